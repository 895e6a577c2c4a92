#!/bin/sh
# Runs after the files are installed. dpkg passes `configure`, rpm the number of versions that are now installed.
set -e
case "$1" in
    configure | [1-9]*)
        if ! getent passwd qlik-sense-events >/dev/null; then
            useradd --system --user-group --no-create-home --home-dir /var/lib/qlik-sense-events \
                --shell /usr/sbin/nologin --comment "Qlik Sense events" qlik-sense-events
        fi
        if [ -d /run/systemd/system ]; then
            systemctl daemon-reload
            # Restarts it only if it is running: nothing is enabled or started here. Datagrams wait in the socket
            # meanwhile.
            systemctl try-restart qlik-sense-events.service
        fi
        ;;
esac
