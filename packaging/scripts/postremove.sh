#!/bin/sh
# Runs after the files are removed. The configuration stays until dpkg purges it, together with the saved sessions. The
# user stays, so that nobody else gets its id and with it the files that it has left.
set -e
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
fi
if [ "$1" = purge ]; then
    rm -rf /var/lib/qlik-sense-events
fi
