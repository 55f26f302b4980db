#!/usr/bin/env bash
# A Python environment with the launcher of BinderHub, and no more of it than the launcher needs. Prints the path of its
# interpreter.
TB_NAME=binderhub
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
# The only release on PyPI asks for a version in a way that newer pips do not take.
python=$(tb_python binderhub 'pip==23.2.1' 'tornado==6.6.1' 'traitlets==5.16.1')
"$python" -c 'import binderhub' 2>/dev/null ||
  "$python" -m pip install -q --no-deps --disable-pip-version-check 'binderhub==0.1.0' >&2
echo "$python"
