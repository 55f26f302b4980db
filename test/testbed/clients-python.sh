#!/usr/bin/env bash
# A Python environment with released programs that people use with JupyterHub. Prints the path of its interpreter.
#
#   test/testbed/clients-python.sh                 front ends, extensions of servers, what services are written with
#   test/testbed/clients-python.sh collaboration   jupyter-collaboration, which changes every document of JupyterLab
TB_NAME=clients-python
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
requirements=$(dirname "${BASH_SOURCE[0]}")/../../python/requirements.txt
if [ "${1:-}" = collaboration ]; then
  tb_python collaboration -r "$requirements" 'jupyter-collaboration==5.0.4'
else
  tb_python clients -r "$requirements" 'notebook==7.6.5' 'jupyter-server-proxy==4.6.0' 'nbgitpuller==1.3.0' \
    'fastapi==0.165.0' 'uvicorn==0.54.0' 'httpx==0.28.1' 'jupyter-kernel-client==1.0.2' \
    'jupyterhub-announcement==0.9.3' 'ngshare==0.6.0' python-multipart requests
fi
