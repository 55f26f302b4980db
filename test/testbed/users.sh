#!/usr/bin/env bash
# Linux users and a PAM service for tests. Needs root.
#   users.sh up|down|status
#   alice bob carol gina  ordinary users, password NAME-pw, in the group "${P}people"
#   dora             password locked (passwd -l)          -> authentication fails
#   erik             account expired (chage -E)           -> authentication passes, account phase fails
#   fred             password must be changed (chage -d 0) -> account phase says so
# TESTBED_USER_PREFIX stands before every name, so that tests that run side by side own their users.
# The PAM service "${P}orrery-test" is like `login` without the delay after a wrong password.
set -euo pipefail

P=${TESTBED_USER_PREFIX:-}
GROUP=${P}people
SERVICE=/etc/pam.d/${P}orrery-test
STATE=${TESTBED_STATE:-/var/lib/orrery-testbed}/users-${P:-none}
PEOPLE="alice bob carol dora erik fred gina"

fail() { echo "users.sh: $*" >&2; exit 1; }

make() { # make USER: never takes over a user that was there before
  local user=$1
  if id "$user" >/dev/null 2>&1; then
    grep -qx "$user" "$STATE/made" 2>/dev/null || fail "$user exists already and is not ours"
    return 0
  fi
  useradd --create-home --key HOME_MODE=0700 --shell /bin/bash --comment 'orrery test' --groups "$GROUP" "$user"
  echo "$user" >>"$STATE/made"
}

up() {
  mkdir -p "$STATE"
  getent group "$GROUP" >/dev/null || { groupadd "$GROUP"; echo "$GROUP" >"$STATE/group"; }
  local name
  for name in $PEOPLE; do
    make "$P$name"
    echo "$P$name:$name-pw" | chpasswd
  done
  passwd -q -l "${P}dora"
  chage -E 1970-01-02 "${P}erik"
  chage -d 0 "${P}fred"
  printf '%s\n' \
    'auth     required pam_unix.so nodelay' \
    'account  required pam_unix.so' \
    'session  required pam_permit.so' \
    'session  optional pam_mkhomedir.so umask=0077' >"$SERVICE"
}

down() {
  rm -f "$SERVICE"
  local user pid
  if [ -s "$STATE/made" ]; then
    while read -r user; do
      for pid in $(pgrep -u "$user" || true); do kill -KILL "$pid" 2>/dev/null || true; done
      userdel -r "$user" 2>/dev/null || true
    done <"$STATE/made"
  fi
  [ ! -s "$STATE/group" ] || groupdel "$(cat "$STATE/group")" 2>/dev/null || true
  rm -rf "$STATE"
}

status() {
  local name missing=0
  for name in $PEOPLE; do id "$P$name" 2>/dev/null || { echo "$P$name is missing"; missing=1; }; done
  [ -f "$SERVICE" ] || { echo "$SERVICE is missing"; missing=1; }
  return $missing
}

[ "$(id -u)" = 0 ] || fail 'needs root'
exec 9>"/run/lock/orrery-testbed-users.lock" && flock 9
case ${1:-} in up | down | status) "$1" ;; *) fail 'usage: users.sh up|down|status' ;; esac
