# shellcheck shell=bash
# What the scripts that start real services for tests have in common. Sourced, never run.
# A script sets TB_NAME first, defines tb_up, tb_down, tb_ready and tb_info, and ends with `tb_main "$@"`.
# Everything lies in $TESTBED_DIR/$TB_NAME; `down` removes it. Only processes started here are ever ended.
set -euo pipefail

TESTBED_DIR=${TESTBED_DIR:-${TMPDIR:-/tmp}/orrery-testbed}
TB_STATE=$TESTBED_DIR/$TB_NAME
TB_RUN=$TB_STATE/run
TB_LOG=$TB_STATE/log

tb_say() { printf '%s: %s\n' "$TB_NAME" "$*" >&2; }
tb_die() { tb_say "$*"; exit 1; }

# tb_apt PACKAGE...: installs those that are missing, without letting their init scripts start anything.
tb_apt() {
  local missing=() p rc=0 policy=/usr/sbin/policy-rc.d made=
  for p in "$@"; do
    dpkg-query -W -f='${db:Status-Status}\n' "$p" 2>/dev/null | grep -qx installed || missing+=("$p")
  done
  [ ${#missing[@]} -gt 0 ] || return 0
  [ "$(id -u)" = 0 ] || tb_die "install ${missing[*]} first (or run as root)"
  if [ ! -e $policy ]; then
    printf '#!/bin/sh\nexit 101\n' >$policy
    chmod 0755 $policy
    made=1
  fi
  tb_say "installing ${missing[*]}"
  tb_apt_install "${missing[@]}" || { # package lists may be old or absent
    apt-get -qq update >>"$TB_LOG/apt.log" 2>&1 </dev/null
    tb_apt_install "${missing[@]}" || rc=$?
  }
  [ -z "$made" ] || rm -f $policy
  [ $rc = 0 ] || { tail -n 20 "$TB_LOG/apt.log" >&2; tb_die "apt-get failed"; }
}

tb_apt_install() {
  DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300 install -y --no-install-recommends "$@" \
    >>"$TB_LOG/apt.log" 2>&1 </dev/null
}

# tb_pid DAEMON: prints its pid if it runs.
tb_pid() {
  local pid
  [ -s "$TB_RUN/$1.pid" ] || return 1
  pid=$(tr -cd 0-9 <"$TB_RUN/$1.pid")
  [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null && printf '%s\n' "$pid"
}

# tb_start DAEMON USER COMMAND...: detached, log in $TB_LOG/DAEMON.log, pid in $TB_RUN/DAEMON.pid.
tb_start() {
  local d=$1 user=$2; shift 2
  tb_pid "$d" >/dev/null && return 0
  : >>"$TB_LOG/$d.log"
  if [ "$(id -un)" = "$user" ]; then
    setsid "$@" >>"$TB_LOG/$d.log" 2>&1 </dev/null &
  else
    setsid setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups -- "$@" >>"$TB_LOG/$d.log" 2>&1 </dev/null &
  fi
  echo $! >"$TB_RUN/$d.pid"
}

# tb_stop DAEMON [SIGNAL]: then KILL after 20 s.
tb_stop() {
  local pid n=100
  if pid=$(tb_pid "$1"); then
    kill -"${2:-TERM}" "$pid" 2>/dev/null || true
    while kill -0 "$pid" 2>/dev/null; do
      n=$((n - 1))
      if [ "$n" -le 0 ]; then kill -9 "$pid" 2>/dev/null || true; break; fi
      sleep 0.2
    done
  fi
  rm -f "$TB_RUN/$1.pid"
}

# tb_wait SECONDS DAEMON COMMAND...: until COMMAND succeeds; gives up at once when DAEMON has ended.
tb_wait() {
  local n=$(($1 * 5)) d=$2; shift 2
  until "$@" >/dev/null 2>&1; do
    n=$((n - 1))
    if [ "$n" -le 0 ] || ! tb_pid "$d" >/dev/null; then
      tail -n 15 "$TB_LOG/$d.log" >&2 || true
      tb_die "gave up waiting for $d"
    fi
    sleep 0.2
  done
}

tb_tcp() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# tb_port FIRST: a port that nobody listens on, the same one until `down`.
tb_port() {
  local port=$1
  if [ ! -s "$TB_STATE/port" ]; then
    while tb_tcp "$port"; do port=$((port + 1)); done
    echo "$port" >"$TB_STATE/port"
  fi
  cat "$TB_STATE/port"
}

# tb_python NAME WORD...: prints the interpreter of an environment made by `pip install WORD...`. It is kept between runs
# below /var/tmp, where the users that servers run as can read it. Other words, or another content of a file that they
# name, make another environment beside it, so that two states of the sources can be tested at once.
tb_python() {
  local name=$1 cache=${ORRERY_TEST_CACHE:-/var/tmp/orrery-test-$(id -u)} word stamp place; shift
  stamp=$(for word; do if [ -f "$word" ]; then cat "$word"; else printf '%s\n' "$word"; fi; done | sha256sum)
  place=$cache/$name-${stamp:0:12}
  mkdir -p "$cache"
  chmod a+rX "$cache"
  (
    flock 9 # another test may be making it
    [ -e "$place/complete" ] || tb_make_python "$place" "$@" >&2
  ) 9>"$cache/$name.lock"
  echo "$place/bin/python"
}

tb_make_python() {
  local place=$1 python; shift
  tb_say "making a Python environment in $place"
  for python in "${PYTHON:-}" /usr/bin/python3 python3; do
    [ -n "$python" ] && "$python" -c 'import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && break
  done
  rm -rf "$place"
  "$python" -m venv "$place"
  "$place/bin/pip" install -q --disable-pip-version-check "$@"
  chmod -R a+rX "$place"
  touch "$place/complete"
}

tb_main() {
  case "${1:-}" in
    up) install -d -m 0755 "$TESTBED_DIR" "$TB_STATE" "$TB_RUN" "$TB_LOG"; tb_up; tb_info ;;
    down) if [ -d "$TB_STATE" ]; then tb_down; rm -rf "$TB_STATE"; fi; tb_say down ;;
    status) if [ -d "$TB_STATE" ] && tb_ready; then tb_info; else tb_say down; exit 3; fi ;;
    *) echo "usage: $(basename "$0") up|down|status" >&2; exit 2 ;;
  esac
}
