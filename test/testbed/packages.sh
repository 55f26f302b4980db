#!/usr/bin/env bash
# Debian packages that the suites with real components need: Chromium, PostgreSQL, a Python that can make environments.
# Called by root it installs what is missing; anybody else is told.
TB_NAME=packages
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
install -d -m 0755 "$TESTBED_DIR" "$TB_STATE" "$TB_LOG"
tb_apt chromium fonts-dejavu-core postgresql python3-venv sudo util-linux procps openssl
