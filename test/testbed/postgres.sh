#!/usr/bin/env bash
# A throw-away PostgreSQL for tests, on loopback, as an ordinary user even when called by root.
#
#   test/testbed/postgres.sh up       starts it (installs PostgreSQL on Debian when root and missing) and prints
#                                     ORRERY_TEST_POSTGRES_URL=postgresql://...   to be exported
#   test/testbed/postgres.sh status   prints the same, or ends with status 3 when it is down
#   test/testbed/postgres.sh down     stops it and removes its files
TB_NAME=postgres
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

DATA=$TB_STATE/data
if [ "$(id -u)" = 0 ]; then RUN_AS=${POSTGRES_RUN_AS:-postgres}; else RUN_AS=$(id -un); fi

# The newest installed server; Debian keeps them outside PATH.
pg_bin() {
  local newest
  newest=$(find /usr/lib/postgresql -mindepth 2 -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
  [ -n "$newest" ] || newest=$(dirname "$(command -v initdb)")
  printf '%s\n' "$newest"
}

as() {
  if [ "$(id -un)" = "$RUN_AS" ]; then "$@"
  else setpriv --reuid "$RUN_AS" --regid "$(id -g "$RUN_AS")" --init-groups -- "$@"; fi
}

tb_up() {
  command -v initdb >/dev/null || [ -d /usr/lib/postgresql ] || tb_apt postgresql
  cd / # the server's user may not enter the caller's folder
  if [ ! -s "$DATA/PG_VERSION" ]; then
    install -d -m 0700 "$DATA"
    [ "$(id -u)" != 0 ] || chown "$RUN_AS:" "$DATA"
    as "$(pg_bin)/initdb" -D "$DATA" -U orrery --auth=trust -E UTF8 --locale=C.UTF-8 --no-sync >"$TB_LOG/initdb.log" 2>&1 ||
      { cat "$TB_LOG/initdb.log" >&2; tb_die "initdb failed"; }
  fi
  # Tests need no durability.
  tb_start postgres "$RUN_AS" "$(pg_bin)/postgres" -D "$DATA" -p "$(tb_port 25432)" -h 127.0.0.1 \
    -c unix_socket_directories= -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=300
  tb_wait 30 postgres tb_ready
}

tb_down() { tb_stop postgres INT; } # INT is PostgreSQL's fast shutdown

tb_ready() { tb_pid postgres >/dev/null && "$(pg_bin)/pg_isready" -q -h 127.0.0.1 -p "$(tb_port 25432)"; }

tb_info() { echo "ORRERY_TEST_POSTGRES_URL=postgresql://orrery@127.0.0.1:$(tb_port 25432)/postgres"; }

tb_main "$@"
