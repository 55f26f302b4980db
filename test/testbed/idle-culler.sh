#!/usr/bin/env bash
# A Python environment with the released jupyterhub-idle-culler, which runs as a managed service of the tests. Prints the
# path of its interpreter.
TB_NAME=idle-culler
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
tb_python idle-culler 'jupyterhub-idle-culler==2.0.0'
