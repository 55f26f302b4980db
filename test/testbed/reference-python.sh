#!/usr/bin/env bash
# A Python environment with a released JupyterHub and JupyterLab: the measure of the conformance tests, and the
# single-user server of the end-to-end tests. Prints the path of its interpreter.
#
#   test/testbed/reference-python.sh            the version that Orrery pins, with the drivers of its databases
#   test/testbed/reference-python.sh 4.1.6      an older JupyterHub, for its single-user server
#
# Kept between runs below /var/tmp, where the users that servers run as can read it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${ORRERY_TEST_CACHE:-/var/tmp/orrery-test-$(id -u)}
if [ $# -gt 0 ]; then
  place=$cache/python-$1
  packages=("jupyterhub==$1" jupyterlab)
else
  place=$cache/python
  packages=(-r "$here/../../python/requirements.txt" psycopg2-binary jupyterhub-nativeauthenticator)
fi
want=$(cat "$here/../../python/requirements.txt" "${BASH_SOURCE[0]}" | sha256sum | cut -d' ' -f1)
if [ "$(cat "$place/complete" 2>/dev/null)" != "$want" ]; then
  rm -rf "$place"
  mkdir -p "$place"
  for python in "${PYTHON:-}" /usr/bin/python3 python3; do
    [ -n "$python" ] && "$python" -c 'import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && break
  done
  "$python" -m venv "$place" >&2
  "$place/bin/pip" install -q --disable-pip-version-check "${packages[@]}" >&2
  chmod -R a+rX "$cache"
  echo "$want" >"$place/complete"
fi
echo "$place/bin/python"
