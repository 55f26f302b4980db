#!/usr/bin/env bash
# Debian packages that the suites with real components need: Chromium, PostgreSQL, a Python that can make environments.
# Called by root it installs what is missing; anybody else is told.
set -euo pipefail
missing=()
command -v chromium >/dev/null || missing+=(chromium)
[ -d /usr/lib/postgresql ] || command -v initdb >/dev/null || missing+=(postgresql)
/usr/bin/python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3 python3-venv)
command -v sudo >/dev/null || missing+=(sudo)
command -v setpriv >/dev/null || missing+=(util-linux)
[ ${#missing[@]} -gt 0 ] || exit 0
[ "$(id -u)" = 0 ] || { echo "please install: ${missing[*]}" >&2; exit 69; }
export DEBIAN_FRONTEND=noninteractive
# Services that packages bring stay off: the testbed starts its own.
policy=/usr/sbin/policy-rc.d
[ -e $policy ] || { printf '#!/bin/sh\nexit 101\n' >$policy; chmod +x $policy; trap 'rm -f $policy' EXIT; }
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
