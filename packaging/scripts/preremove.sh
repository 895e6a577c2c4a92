#!/bin/sh
# Before the files go. dpkg says `remove`, rpm the number of versions that will remain; in an upgrade nothing stops.
set -e
case "$1" in
    remove | 0)
        if [ -d /run/systemd/system ]; then
            systemctl disable --now qlik-sense-events.socket qlik-sense-events.service
        fi
        ;;
esac
