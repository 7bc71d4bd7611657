#!/bin/sh
# What the entrypoint of Docker's official postgres image does, in its order: initdb, a temporary server that no network
# reaches, a database, the files of /docker-entrypoint-initdb.d, the end of that server, then the real one as process 1.
set -eu

[ "${1#-}" = "$1" ] || set -- postgres "$@"
if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /run/postgresql
    chown -R postgres:postgres "$PGDATA" /run/postgresql
    chmod 700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --clear-groups "$0" "$@"
fi
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -z "${POSTGRES_PASSWORD:-}" ]; then
        echo 'Error: Database is uninitialized and superuser password is not specified.' >&2
        exit 1
    fi
    user=${POSTGRES_USER:-postgres} database=${POSTGRES_DB:-${POSTGRES_USER:-postgres}}
    (umask 077 && printf '%s\n' "$POSTGRES_PASSWORD" >/tmp/password)
    # Unquoted on purpose: it holds options.
    initdb --username="$user" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 \
        ${POSTGRES_INITDB_ARGS:-} >/tmp/initdb.log 2>&1 || { cat /tmp/initdb.log >&2; exit 1; }
    rm /tmp/password
    echo 'host all all all scram-sha-256' >>"$PGDATA/pg_hba.conf"
    echo "listen_addresses = '*'" >>"$PGDATA/postgresql.conf"
    # TEMPORARY_LISTENS is the tests' own: it makes the temporary server one that the network does reach.
    options=$(printf "'%s' " "$@" | sed "s/^'postgres' //")
    pg_ctl -s -w -o "$options -c listen_addresses='${TEMPORARY_LISTENS:-}' -c port=5432" start >/tmp/temporary.log 2>&1 ||
        { cat /tmp/temporary.log >&2; exit 1; }
    [ "$database" = postgres ] || createdb --username="$user" "$database"
    for file in /docker-entrypoint-initdb.d/*.sql; do
        [ ! -e "$file" ] || psql -q -X -v ON_ERROR_STOP=1 --username="$user" --dbname="$database" --file="$file"
    done
    pg_ctl -s -w -m fast stop
    echo 'PostgreSQL init process complete; ready for start up.'
fi
exec "$@"
