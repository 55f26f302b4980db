#!/usr/bin/env bash
# A Python environment with the released jupyterhub-idle-culler, which runs as a managed service of the tests. Prints the
# path of its interpreter. Kept between runs below /var/tmp, where the user that the hub runs as can read it.
set -euo pipefail
cache=${ORRERY_TEST_CACHE:-/var/tmp/orrery-test-$(id -u)}
place=$cache/idle-culler
want=$(sha256sum <"${BASH_SOURCE[0]}")
if [ "$(cat "$place/complete" 2>/dev/null)" != "$want" ]; then
  rm -rf "$place"
  mkdir -p "$place"
  for python in "${PYTHON:-}" /usr/bin/python3 python3; do
    [ -n "$python" ] && "$python" -c 'import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && break
  done
  "$python" -m venv "$place" >&2
  "$place/bin/pip" install -q --disable-pip-version-check 'jupyterhub-idle-culler==2.0.0' >&2
  chmod -R a+rX "$cache"
  echo "$want" >"$place/complete"
fi
echo "$place/bin/python"
