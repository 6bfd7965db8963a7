#!/bin/sh
# Make the database at the first start, then serve it.
set -eu
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    mkdir -p "$PGDATA"
    initdb --pgdata "$PGDATA" --username "$POSTGRES_USER" --pwfile "$POSTGRES_PASSWORD_FILE" --auth scram-sha-256 \
        --encoding UTF8 --locale C
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    pg_ctl --pgdata "$PGDATA" --wait start --options "-c listen_addresses= -c unix_socket_directories=/var/run/postgresql"
    PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE") psql --host /var/run/postgresql --username "$POSTGRES_USER" \
        --dbname postgres --command "create database $POSTGRES_DB"
    pg_ctl --pgdata "$PGDATA" --wait stop
fi
exec "$@" -D "$PGDATA" -c "listen_addresses=*" -c unix_socket_directories=/var/run/postgresql
