#!/usr/bin/env bash
# A Debian machine whose process 1 is systemd: a container of systemd-nspawn with a network of its own (loopback alone) and
# this checkout, read-only, as /srv/orrery. Needs root.
#
#   test/testbed/host.sh up            boots one; its files are gone when it ends. Beside others with another TESTBED_DIR
#   test/testbed/host.sh run CMD...    runs CMD in it as root in /srv/orrery, with the caller's input and output; TMPDIR is
#                                      a folder that units with a /tmp of their own see too
#   test/testbed/host.sh status        its address in the process table and the state of its systemd
#   test/testbed/host.sh down
#   test/testbed/host.sh base          prints the folder with its files as they are before anything has changed them
#
# TESTBED_HOST_BIND   further files and folders to show inside, read-only, separated by colons
# Its files are made once (a minute or two) and kept below ORRERY_TEST_CACHE, see lib.sh.
TB_NAME=host
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CACHE=${ORRERY_TEST_CACHE:-/var/tmp/orrery-test-$(id -u)}
# Node needs libatomic1.
INCLUDED=systemd,systemd-sysv,dbus,python3,sudo,iproute2,procps,ca-certificates,libstdc++6,libatomic1,libpam-systemd
ROOT=$TB_STATE/root

# What Debian calls this machine's release, and where its apt takes packages from.
suite() { (. /etc/os-release && printf '%s\n' "${VERSION_CODENAME:?}"); }
mirror() { apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | awk -v s="$1" '$2 == s { print $1; exit }'; }

base_folder() {
  local stamp
  stamp=$({ declare -p INCLUDED; declare -f make_base; cat /etc/os-release; } | sha256sum)
  printf '%s\n' "$CACHE/host-${stamp:0:12}"
}

make_base() {
  local base=$1 release security unit units
  release=$(suite)
  tb_say "making a machine of Debian $release in $base"
  tb_apt mmdebstrap systemd-container iproute2 util-linux
  rm -rf "$base"
  security=$(mirror "$release-security")
  mmdebstrap --quiet --mode=root --variant=minbase --include="$INCLUDED" \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    "$release" "$base" "deb $(mirror "$release") $release main" ${security:+"deb $security $release-security main"} >"$TB_LOG/base.log" 2>&1 ||
    { tail -n 15 "$TB_LOG/base.log" >&2; tb_die "the machine could not be made"; }
  rm -f "$base/etc/apt/sources.list"
  # It has no hardware, console or kernel of its own, and nothing is to begin by itself in the midst of a test.
  units=(systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket console-getty.service getty@tty1.service
    systemd-networkd.service systemd-resolved.service systemd-timesyncd.service sys-kernel-debug.mount apt-daily.timer
    apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer systemd-tmpfiles-clean.timer)
  for unit in "${units[@]}"; do ln -sf /dev/null "$base/etc/systemd/system/$unit"; done
  : >"$base/etc/machine-id"
  touch "$base/.complete"
}

# Where the controllers of cgroups are mounted one by one (version 1) the machine gets a group of its own in each; else
# its systemd would take this machine's groups for its own.
controllers() { awk '$3 == "cgroup" || ($3 == "cgroup2" && $2 != "/sys/fs/cgroup") { print $2 }' /proc/mounts; }
group() { printf 'orrery-host-%s\n' "$(printf %s "$TB_STATE" | sha256sum | cut -c1-8)"; }

own_groups() {
  local mount group
  for mount in $(controllers); do
    group=$mount/$(group)
    mkdir -p "$group"
    if [ -e "$mount/cpuset.cpus" ]; then
      cat "$mount/cpuset.cpus" >"$group/cpuset.cpus"
      cat "$mount/cpuset.mems" >"$group/cpuset.mems"
      echo 1 >"$group/cgroup.clone_children"
    fi
    echo "$BASHPID" >"$group/cgroup.procs"
  done
}

remove_groups() {
  local mount
  for mount in $(controllers); do
    [ ! -d "$mount/$(group)" ] || find "$mount/$(group)" -depth -type d -exec rmdir {} + 2>/dev/null || true
  done
}

# Process 1 of the machine, as this machine numbers it.
init() { pgrep -P "$(tb_pid host)" -x systemd | head -n 1; }

# inside CMD...: with the environment of a fresh root.
inside() {
  local pid
  pid=$(init)
  [ -n "$pid" ] || return 1
  nsenter -t "$pid" -m -u -i -n -p -C -- env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TMPDIR=/srv/tmp "$@"
}

# nspawn shows such controllers read-only; with them writable the limits of units take effect.
writable_groups() {
  local mount
  for mount in $(controllers); do nsenter -t "$(init)" -m mount -o remount,bind,rw "$mount" 2>/dev/null || true; done
  inside systemctl daemon-reexec
}

boot() {
  local binds=() path
  IFS=: read -ra paths <<<"${TESTBED_HOST_BIND:-}"
  for path in "${paths[@]}"; do [ -z "$path" ] || binds+=("--bind-ro=$path"); done
  own_groups
  exec env SYSTEMD_NSPAWN_LOCK=0 systemd-nspawn --quiet --boot --directory="$ROOT" --machine="$(group)" --register=no --keep-unit \
    --private-network --resolv-conf=off --timezone=off --link-journal=no --capability=all \
    --system-call-filter='add_key keyctl bpf @mount @privileged' --console=pipe --bind-ro="$CHECKOUT:/srv/orrery" "${binds[@]}"
}

# One unit that cannot work in a container makes no bad machine.
booted() { inside systemctl is-system-running --wait | grep -xE 'running|degraded'; }

tb_base() {
  [ "$(id -u)" = 0 ] || tb_die 'needs root'
  local base
  base=$(base_folder)
  install -d -m 0755 "$TESTBED_DIR" "$TB_STATE" "$TB_LOG"
  mkdir -p "$CACHE"
  chmod a+rX "$CACHE"
  (
    flock 9 # another test may be making it
    [ -e "$base/.complete" ] || make_base "$base" >&2
  ) 9>"$base.lock"
  echo "$base"
}

tb_up() {
  local base
  base=$(tb_base)
  tb_apt systemd-container iproute2 util-linux # the cache may come from another machine
  tb_pid host >/dev/null && return 0
  mkdir -p "$ROOT" "$TB_STATE/changes/upper" "$TB_STATE/changes/work"
  mountpoint -q "$TB_STATE/changes" || mount -t tmpfs -o mode=0755 tmpfs "$TB_STATE/changes"
  mkdir -p "$TB_STATE/changes/upper" "$TB_STATE/changes/work"
  mountpoint -q "$ROOT" ||
    mount -t overlay overlay -o "lowerdir=$base,upperdir=$TB_STATE/changes/upper,workdir=$TB_STATE/changes/work" "$ROOT"
  export TB_NAME
  tb_start host root bash -c '. "$0" booting && boot' "${BASH_SOURCE[0]}"
  tb_wait 60 host booted
  writable_groups
  inside install -d -m 1777 /srv/tmp
}

tb_down() {
  local n=100
  inside systemctl poweroff >/dev/null 2>&1 || true
  while tb_pid host >/dev/null && [ "$n" -gt 0 ]; do n=$((n - 1)); sleep 0.1; done
  tb_stop host
  umount "$ROOT" 2>/dev/null || true
  umount "$TB_STATE/changes" 2>/dev/null || true
  remove_groups
}

tb_ready() { tb_pid host >/dev/null && inside true; }

tb_info() { echo "process $(init), systemd $(inside systemctl is-system-running || true)"; }

case ${1:-} in
  booting) ;; # sourced by itself, see tb_up
  base) tb_base ;;
  run) shift; tb_pid host >/dev/null || tb_die down; inside env -C /srv/orrery "$@" ;;
  *) tb_main "$@" ;;
esac
