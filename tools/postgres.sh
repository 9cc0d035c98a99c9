#!/usr/bin/env bash
# A private, throw-away PostgreSQL for the tests:
#
#     eval "$(tools/postgres.sh start)"     and then  make test
#     tools/postgres.sh stop
#
# Options after `start` go to the server, for example `-c fsync=on` before measuring anything.
# PRECOG_POSTGRES_DIR names the folder it lives in; without it `start` makes one in the temporary folder.
set -euo pipefail

fail() {
    echo "postgres.sh: $1" >&2
    exit 1
}

# PostgreSQL refuses to run as root, so then another user owns it.
as_owner() {
    if [ "$(id -u)" -ne 0 ]; then
        "$@"
    elif getent passwd postgres >/dev/null; then
        runuser -u postgres -- "$@"
    else
        runuser -u nobody -- "$@"
    fi
}

# Debian keeps the server's programs off the PATH, a folder a version: take the newest.
find_programs() {
    local found
    found=$(printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
    if [ -x "$found" ]; then
        dirname "$found"
    elif found=$(command -v initdb); then
        dirname "$(readlink -f "$found")"
    else
        fail "no PostgreSQL server is installed (on Debian: apt-get install postgresql)"
    fi
}

start() {
    local bin folder password port locale
    bin=$(find_programs)
    folder=${PRECOG_POSTGRES_DIR:-$(mktemp -d)}
    mkdir -p "$folder"
    folder=$(cd "$folder" && pwd)
    [ -z "$(ls -A "$folder")" ] || fail "$folder is not empty: is a server running there? Then stop it first."
    export PRECOG_POSTGRES_DIR=$folder
    trap stop EXIT # leaves nothing behind unless all goes well

    chmod 0700 "$folder"
    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    (umask 077 && printf '%s\n' "$password" >"$folder/password")
    if [ "$(id -u)" -eq 0 ]; then
        chown "$(as_owner id -u)" "$folder" "$folder/password"
    fi
    cd "$folder" # the caller's folder may be closed to the server's user

    # Sorted as people sort, like most real databases: byte order, SQLite's, would hide a query that leans on it.
    locale=(--locale=C.UTF-8)
    if "$bin/initdb" --help | grep -q -- --icu-locale; then
        locale+=(--locale-provider=icu --icu-locale=en)
    fi
    # Anyone on this machine can reach a port, so that asks for the password. The folder is its owner's alone,
    # so the socket in it asks for nothing.
    as_owner "$bin/initdb" --pgdata="$folder/data" --username=precog --pwfile="$folder/password" \
        --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 "${locale[@]}" --no-sync >/dev/null

    # A port is only known to be free once it is taken: try one, then another. All are below the range that
    # outgoing connections use. The socket's folder is named from the data folder (..): the server takes neither
    # a long name nor one with a comma.
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        port=$((15000 + RANDOM % 16000))
        if as_owner "$bin/pg_ctl" --pgdata="$folder/data" --log="$folder/log" --wait --silent start \
            --options="-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=.. \
                -c max_connections=200 -c fsync=off -c full_page_writes=off $*" >/dev/null 2>&1; then
            trap - EXIT
            printf 'export PRECOG_POSTGRES_DIR=%q\n' "$folder"
            printf 'export PRECOG_TEST_POSTGRES=%q\n' "postgresql://precog:$password@127.0.0.1:$port/postgres"
            return
        fi
    done
    tail -n 20 "$folder/log" >&2
    fail "the server did not start"
}

stop() {
    local folder=${PRECOG_POSTGRES_DIR:?names the folder that start made}
    if [ -e "$folder/data/postmaster.pid" ]; then
        local bin
        bin=$(find_programs)
        (cd "$folder" && as_owner "$bin/pg_ctl" --pgdata="$folder/data" --mode=immediate --silent stop) >&2
    fi
    # Only what start made, whatever the variable names.
    rm -rf "$folder/data" "$folder/log" "$folder/password"
    rmdir "$folder" 2>/dev/null || true
}

case "${1:-}" in
start | stop) "$@" ;;
*) fail "say start or stop" ;;
esac
