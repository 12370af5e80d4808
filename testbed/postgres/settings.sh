# Where the PostgreSQL of the testbed lives.
# shellcheck shell=bash disable=SC2034
PG_VERSION=15
PG_BIN=/usr/lib/postgresql/$PG_VERSION/bin
# Not below a home folder, which the user postgres may not enter.
PG_STATE=${TESTBED_POSTGRES_STATE:-/tmp/assay-testbed-postgres}
PG_PORT=${TESTBED_POSTGRES_PORT:-15432}
PG_URL=postgres://testbed:testbed@127.0.0.1:$PG_PORT/postgres

# The server refuses to run as root.
as_postgres() {
    if [ "$(id -u)" = 0 ]; then
        (cd / && setpriv --reuid postgres --regid postgres --init-groups "$@")
    else
        "$@"
    fi
}
