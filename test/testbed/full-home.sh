#!/usr/bin/env bash
# A home in which nothing can be written any more, for as long as somebody wants it. Needs root that may mount.
#   full-home.sh disk HOME    the disk is full: a file system of 64 KiB in memory, over HOME
#   full-home.sh quota HOME   the quota is used up: one of 1 MiB on a btrfs in a file, over HOME; 69 and why on the
#                             error output where this kernel has none
#   full-home.sh down HOME
# The owner of HOME owns what is mounted over it.
TB_NAME=full-home
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
UNAVAILABLE=69
QUOTA=1M

none() { tb_say "no quota here: $*"; exit $UNAVAILABLE; }

fill() { # fill HOME: until the kernel refuses more
  dd if=/dev/zero of="$1/filler" bs=4096 2>/dev/null || true
  sync -f "$1"
  if (: >"$1/one-more" && echo more >"$1/one-more") 2>/dev/null; then tb_die "$1 is not full"; fi
}

up_disk() {
  mount -t tmpfs -o "mode=700,uid=$(stat -c %u "$1"),gid=$(stat -c %g "$1"),size=64k" tmpfs "$1"
  fill "$1"
}

# A quota of ext4 or xfs is the same to programs (EDQUOT), and few kernels of containers and small machines have it.
up_quota() {
  local home=$1 owner work image
  owner=$(stat -c %u:%g "$home")
  install -d -m 0755 "$TESTBED_DIR" "$TB_STATE" "$TB_LOG"
  grep -qw btrfs /proc/filesystems || modprobe -q btrfs || none "the kernel has no btrfs"
  tb_apt btrfs-progs
  work=$(mktemp -d "$TB_STATE/XXXXXX")
  image=$work/image
  truncate -s 160M "$image"
  mkfs.btrfs -q "$image" >"$work/log" 2>&1
  mkdir "$work/all"
  mount -o loop "$image" "$work/all" 2>>"$work/log" || { cat "$work/log" >&2; rm -rf "$work"; none "no loop device, or no mount"; }
  if ! { btrfs quota enable "$work/all" && btrfs -q subvolume create "$work/all/home" && btrfs qgroup limit $QUOTA "$work/all/home"; } >>"$work/log" 2>&1; then
    umount "$work/all"
    cat "$work/log" >&2
    rm -rf "$work"
    none "btrfs refuses it"
  fi
  mount --bind "$work/all/home" "$home"
  umount "$work/all"
  # The mount holds the file, which nobody else needs.
  rm -rf "$work"
  chown "$owner" "$home"
  chmod 0700 "$home"
  fill "$home"
}

case "${1:-}" in
  disk | quota) "up_$1" "$2" ;;
  down) umount --lazy "$2" ;;
  *) echo "usage: $(basename "$0") disk|quota|down HOME" >&2; exit 2 ;;
esac
