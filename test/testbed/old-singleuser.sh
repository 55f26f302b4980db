#!/usr/bin/env bash
# A Python environment with a single-user server that is older than Orrery supports. Prints the path of its interpreter.
TB_NAME=old-singleuser
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
tb_python jupyterhub-1.5.1 jupyterhub==1.5.1 jupyter_server
