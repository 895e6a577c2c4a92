#!/bin/sh
# After the files are gone. The configuration stays until dpkg purges it, which also takes the sessions that were saved;
# the user stays, so that nobody else gets its number and with it files that it left.
set -e
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
fi
if [ "$1" = purge ]; then
    rm -rf /var/lib/qlik-sense-events
fi
