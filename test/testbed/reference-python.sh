#!/usr/bin/env bash
# A Python environment with a released JupyterHub and JupyterLab: the measure of the conformance tests, and the
# single-user server of the end-to-end tests. Prints the path of its interpreter.
#
#   test/testbed/reference-python.sh            the version that Orrery pins, with the drivers of its databases
#   test/testbed/reference-python.sh 4.1.6      an older JupyterHub, for its single-user server
TB_NAME=reference-python
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
if [ $# -gt 0 ]; then
  tb_python "jupyterhub-$1" "jupyterhub==$1" jupyterlab
else
  tb_python jupyterhub -r "$(dirname "${BASH_SOURCE[0]}")/../../python/requirements.txt" psycopg2-binary jupyterhub-nativeauthenticator
fi
