#!/bin/sh
# Give ingest a token of InfluxDB that may only write the bucket, and Grafana one that may only read
# it, in place of the administrator's, with which the first start begins. Run it once, while the
# containers of compose.yaml run; run again, it makes new ones (`influx auth list` shows the old).
set -eu
umask 077

cd "$(dirname "$0")"
[ -s secrets/influx_admin_token ] || {
  echo "scoped_tokens.sh: deploy/secrets is missing: run credentials.sh first" >&2; exit 2; }

influx() {
  docker compose -f compose.yaml exec -T influxdb influx "$@"
}

bucket=$(influx bucket list --org cityvitals --name cityvitals --json |
  sed -n 's/^[[:space:]]*"id": *"\([0-9a-f]*\)".*/\1/p' | head -n 1)
[ -n "$bucket" ] || { echo "scoped_tokens.sh: InfluxDB has no bucket cityvitals yet" >&2; exit 1; }

token() {
  # A new token: what it is for, and what it may do.
  made=$(influx auth create --org cityvitals --description "$1" "$2" "$bucket" --json |
    sed -n 's/^[[:space:]]*"token": *"\([^"]*\)".*/\1/p' | head -n 1)
  [ -n "$made" ] || { echo "scoped_tokens.sh: InfluxDB gave no token for $1" >&2; exit 1; }
  printf %s "$made"
}

writer=$(token "cityvitals ingest" --write-bucket)
reader=$(token "cityvitals grafana" --read-bucket)
printf %s "$writer" > secrets/influx_token
printf %s "$reader" > secrets/grafana_influx_token
chmod 644 secrets/influx_token
rest=$(grep -v '^GRAFANA_INFLUX_TOKEN=' .env)
printf '%s\nGRAFANA_INFLUX_TOKEN=%s\n' "$rest" "$reader" > .env
docker compose -f compose.yaml up -d --force-recreate ingest grafana
echo "scoped_tokens: ingest may only write the bucket, Grafana only read it"
