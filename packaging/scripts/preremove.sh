#!/bin/sh
# Runs before the files are removed. dpkg passes `remove`, rpm the number of versions that will remain; an upgrade stops
# nothing.
set -e
case "$1" in
    remove | 0)
        if [ -d /run/systemd/system ]; then
            systemctl disable --now qlik-sense-events.socket qlik-sense-events.service
        fi
        ;;
esac
