#!/usr/bin/env bash
# A Python environment with schemathesis, which tries an API by its OpenAPI document. Prints the path of its interpreter.
TB_NAME=schemathesis
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
tb_python schemathesis 'schemathesis==4.32.5'
