#!/bin/sh
# Make what a deployment keeps secret: a certificate authority and the broker's certificate, users of
# the broker, tokens and passwords. Needs openssl and mosquitto_passwd (Debian: mosquitto).
#
#   sh deploy/credentials.sh HOST [FOLDER]
#
# HOST is the name or address under which devices reach the broker. What is there is kept, so that it
# can be run again. FOLDER is deploy/secrets by default; beside it stands .env, for compose.
set -eu
umask 077

host=${1:?usage: credentials.sh HOST [FOLDER]}
here=$(cd "$(dirname "$0")" && pwd)
folder=${2:-$here/secrets}
case $host in
  *[!A-Za-z0-9.:-]*) echo "credentials.sh: HOST = '$host': must be a name or an address" >&2; exit 2;;
esac
for program in openssl mosquitto_passwd; do
  command -v "$program" >/dev/null || {
    echo "credentials.sh: $program is missing: apt install openssl mosquitto" >&2; exit 2; }
done
# Only the folder itself is closed: services read their configuration beside it.
(umask 022 && mkdir -p "$(dirname "$folder")")
mkdir -p "$folder"
cd "$folder"

secret() {
  # A random secret of 32 letters and digits, unless there is one.
  [ -s "$1" ] || openssl rand -hex 16 | tr -d '\n' > "$1"
}

# Folders of before know one token alone: the administrator's.
[ -s influx_admin_token ] || [ ! -s influx_token ] || cp influx_token influx_admin_token
for name in ingest_password edge_password page_password influx_admin_token influx_password \
  grafana_password page_token; do
  secret $name
done
# Who writes and who reads begin with the administrator's token; scoped_tokens.sh gives them their own.
for name in influx_token grafana_influx_token; do
  [ -s "$name" ] || cp influx_admin_token "$name"
done

if [ ! -s ca.pem ]; then
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
    -subj "/CN=Cityvitals broker authority" -keyout ca.key -out ca.pem 2>/dev/null
fi
case $host in
  *:*) kind=IP;;
  *[!0-9.]*) kind=DNS;;
  *) kind=IP;;
esac
if [ ! -s server.pem ]; then
  printf 'subjectAltName=%s:%s,DNS:broker,DNS:localhost,IP:127.0.0.1\n' "$kind" "$host" > server.ext
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$host" \
    -keyout server.key -out server.csr 2>/dev/null
  openssl x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 825 \
    -extfile server.ext -out server.pem 2>/dev/null
  rm -f server.csr server.ext
fi

: > passwords
for user in ingest edge page; do
  mosquitto_passwd -b passwords $user "$(cat ${user}_password)"
done

cat > "$(dirname "$folder")/.env" <<END
INFLUX_ADMIN_TOKEN=$(cat influx_admin_token)
GRAFANA_INFLUX_TOKEN=$(cat grafana_influx_token)
INFLUX_PASSWORD=$(cat influx_password)
GRAFANA_PASSWORD=$(cat grafana_password)
END
# Containers run as users of their own, who must read these; the folder itself stays closed.
chmod 644 ca.pem server.pem server.key passwords ingest_password influx_token page_token
echo "credentials: in $folder; give devices ca.pem and edge_password"
