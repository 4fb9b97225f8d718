#!/bin/sh
# Run Mosquitto with the shipped settings, but with users and TLS in place of the loopback listener:
# 1883 for the machine's own network, 8883 with TLS for devices.
#
#   with-users.sh SETTINGS SECRETS DATA [CONF]
#
# SETTINGS holds mosquitto.conf and users.acl, SECRETS what deploy/credentials.sh made. With CONF
# the file is only written there.
set -eu
settings=$1 secrets=$2 data=$3 conf=${4:-/tmp/mosquitto.conf}
sed -e 's|^listener .*|listener 1883|' -e 's|^allow_anonymous .*|allow_anonymous false|' \
  -e "s|^persistence_location .*|persistence_location $data/|" \
  "$settings/mosquitto.conf" > "$conf"
cat >> "$conf" <<END

password_file $secrets/passwords
acl_file $settings/users.acl

listener 8883
cafile $secrets/ca.pem
certfile $secrets/server.pem
keyfile $secrets/server.key
END
[ $# -gt 3 ] || exec mosquitto -c "$conf"
