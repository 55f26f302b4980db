#!/usr/bin/env bash
# Runs a command as root under a Linux kernel of its own whose control groups are of version 2, for machines that have
# version 1: user-mode Linux, a program like any other. It sees the files of this machine, read-only, with a /tmp (as
# TMPDIR) and an /etc that are its own and gone afterwards, and has no network but 127.0.0.1.
#   cgroup2.sh COMMAND...     prints what the command prints and ends with its status; 69 where there is no such kernel
#   cgroup2.sh kernel         prints the path of the kernel
set -euo pipefail

CACHE=${ORRERY_TEST_CACHE:-/var/tmp/orrery-test-$(id -u)}/user-mode-linux
KERNEL=$CACHE/usr/bin/linux.uml
PACKAGE=user-mode-linux
UNAVAILABLE=69

say() { echo "cgroup2.sh: $*" >&2; }

fetch() {
  local place=$CACHE.new
  rm -rf "$place"
  mkdir -p "$place"
  cd "$place"
  apt-get -qq download $PACKAGE >apt.log 2>&1 ||
    { apt-get -qq update >>apt.log 2>&1 && apt-get -qq download $PACKAGE >>apt.log 2>&1; } ||
    { tail -n 3 apt.log >&2; say "no package $PACKAGE to be had"; exit $UNAVAILABLE; }
  dpkg -x $PACKAGE*.deb "$place"
  rm -f $PACKAGE*.deb
  rm -rf "$CACHE"
  mv "$place" "$CACHE"
}

mkdir -p "$(dirname "$CACHE")"
(
  flock 9
  [ -x "$KERNEL" ] || fetch
) 9>"$CACHE.lock"
if [ "$*" = kernel ]; then echo "$KERNEL"; exit; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
here=$PWD
{
  echo '#!/bin/sh'
  echo 'export PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin HOME=/root NO_COLOR=1'
  echo 'mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev; mount -t tmpfs run /run'
  # Users are made in tests.
  echo 'mkdir -m 1777 /run/tmp; cp -a /etc /run/etc; mount --bind /run/etc /etc; export TMPDIR=/run/tmp'
  echo 'mount -t cgroup2 none /sys/fs/cgroup; ip link set lo up 2>/dev/null'
  printf 'cd %q\n' "$here"
  printf '%q ' "$@"
  echo '2>&1; echo "the command has ended: $?"'
  echo 'echo o >/proc/sysrq-trigger; sleep 60'
} >"$work/init"
chmod 0755 "$work" "$work/init"

# Its memory is a file of which only the pages in use exist.
"$KERNEL" mem=1536M rootfstype=hostfs rootflags=/ ro init="$work/init" con=null con0=fd:0,fd:1 quiet \
  </dev/null >"$work/out" 2>&1 || true
sed '/^the command has ended: /d' "$work/out"
exit "$(sed -n 's/^the command has ended: \([0-9]*\).*/\1/p' "$work/out" | tail -n 1 | grep . || echo 70)"
