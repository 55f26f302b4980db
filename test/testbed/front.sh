#!/usr/bin/env bash
# nginx, Apache, Caddy and HAProxy, which tests put in front of Orrery as docs/how-to/put-behind-a-web-server.md says.
# Called by root it installs what is missing; anybody else is told. The tests start the programs themselves.
TB_NAME=front
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
install -d -m 0755 "$TESTBED_DIR" "$TB_STATE" "$TB_LOG"
tb_apt nginx-light apache2-bin caddy haproxy openssl
