#!/usr/bin/env bash
# A Python environment with released programs that people use with JupyterHub: front ends, extensions of their servers,
# and what services are written with. Prints the path of its interpreter.
TB_NAME=clients-python
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
requirements=$(dirname "${BASH_SOURCE[0]}")/../../python/requirements.txt
tb_python clients -r "$requirements" 'notebook==7.6.5' 'jupyter-server-proxy==4.6.0' 'nbgitpuller==1.3.0' \
  'fastapi==0.165.0' 'uvicorn==0.54.0' 'httpx==0.28.1' 'jupyter-kernel-client==1.0.2' \
  'jupyterhub-announcement==0.9.3' 'ngshare==0.6.0' python-multipart requests
