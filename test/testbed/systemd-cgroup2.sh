#!/usr/bin/env bash
# As `cgroup2.sh`, and process 1 of that kernel is systemd: the machine of `host.sh`, with this checkout, read-only, as
# /srv/orrery, where the command runs as root. Its files are gone afterwards. Needs root.
#   systemd-cgroup2.sh COMMAND...   prints what the command prints and ends with its status; 69 where there is no such kernel
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
checkout=$(cd "$here/../.." && pwd)
kernel=$("$here/cgroup2.sh" kernel)
base=$("$here/host.sh" base)

work=$(mktemp -d)
clean_up() {
  umount "$work/root" 2>/dev/null || true
  umount "$work" 2>/dev/null || true
  rmdir "$work"
}
trap clean_up EXIT
mount -t tmpfs -o mode=0755 tmpfs "$work"
mkdir "$work/upper" "$work/scratch" "$work/root"
mount -t overlay overlay -o "lowerdir=$base,upperdir=$work/upper,workdir=$work/scratch" "$work/root"

asked=$work/root/srv/asked
mkdir -p "$asked" "$work/root/srv/orrery"
install -d -m 1777 "$work/root/srv/tmp"
{
  echo '#!/bin/sh'
  echo 'export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 NO_COLOR=1 TMPDIR=/srv/tmp'
  printf 'mount -t hostfs none /srv/orrery -o %q,ro; ip link set lo up; cd /srv/orrery\n' "$checkout"
  printf '%q ' "$@"
  echo '>/srv/asked/out 2>&1; echo $? >/srv/asked/status'
} >"$asked/command"
cat >"$work/root/etc/systemd/system/asked.service" <<'UNIT'
[Unit]
Wants=dbus.service
After=basic.target dbus.service
[Service]
Type=oneshot
ExecStart=/bin/sh /srv/asked/command
ExecStopPost=/bin/systemctl poweroff --force --force
UNIT

# Its memory is a file of which only the pages in use exist.
"$kernel" mem=1536M rootfstype=hostfs rootflags="$work/root" rw init=/lib/systemd/systemd systemd.unit=asked.service \
  systemd.unified_cgroup_hierarchy=1 con=null con0=fd:0,fd:1 quiet </dev/null >"$work/console" 2>&1 || true
cat "$asked/out" 2>/dev/null || tail -n 20 "$work/console"
exit "$(cat "$asked/status" 2>/dev/null || echo 70)"
