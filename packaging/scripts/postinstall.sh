#!/bin/sh
# After the files are there. dpkg says `configure`, rpm the number of versions that are installed now.
set -e
case "$1" in
    configure | [1-9]*)
        if ! getent passwd qlik-sense-events >/dev/null; then
            useradd --system --user-group --no-create-home --home-dir /var/lib/qlik-sense-events \
                --shell /usr/sbin/nologin --comment "Qlik Sense events" qlik-sense-events
        fi
        if [ -d /run/systemd/system ]; then
            systemctl daemon-reload
            # Only where it runs: nothing is enabled or started here. Datagrams wait in the socket meanwhile.
            systemctl try-restart qlik-sense-events.service
        fi
        ;;
esac
