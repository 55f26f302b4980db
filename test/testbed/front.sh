#!/usr/bin/env bash
# nginx and Apache, which tests put in front of Orrery with the configs of docs/how-to/put-behind-nginx-or-apache.md.
# Called by root it installs what is missing; anybody else is told. The tests start the programs themselves.
TB_NAME=front
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
install -d -m 0755 "$TESTBED_DIR" "$TB_STATE" "$TB_LOG"
tb_apt nginx-light apache2-bin openssl
