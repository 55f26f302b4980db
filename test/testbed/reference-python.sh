#!/usr/bin/env bash
# A Python environment with the released JupyterHub, JupyterLab and the drivers of its databases: the measure of the
# conformance tests, and the single-user server of the end-to-end tests. Prints the path of its interpreter. Kept between
# runs below /var/tmp, where the users that servers run as can read it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
requirements=$here/../../python/requirements.txt
extra='psycopg2-binary jupyterhub-nativeauthenticator'
place=${ORRERY_TEST_CACHE:-/var/tmp/orrery-test-$(id -u)}/python
want=$(cat "$requirements" <(echo "$extra") | sha256sum | cut -d' ' -f1)
if [ "$(cat "$place/complete" 2>/dev/null)" != "$want" ]; then
  rm -rf "$place"
  mkdir -p "$place"
  for python in "${PYTHON:-}" /usr/bin/python3 python3; do
    [ -n "$python" ] && "$python" -c 'import ensurepip, venv, sys; sys.exit(sys.version_info < (3, 10))' 2>/dev/null && break
  done
  "$python" -m venv "$place" >&2
  # shellcheck disable=SC2086 # two words on purpose
  "$place/bin/pip" install -q -r "$requirements" $extra >&2
  chmod -R a+rX "$(dirname "$place")"
  echo "$want" >"$place/complete"
fi
echo "$place/bin/python"
