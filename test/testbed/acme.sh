#!/usr/bin/env bash
# An ACME certificate authority for tests: Pebble of Let's Encrypt, with a DNS server that sends every name to 127.0.0.1.
#
#   test/testbed/acme.sh up       starts it (installs Pebble on Debian when root and missing) and prints what to export:
#                                 ORRERY_TEST_ACME_DIRECTORY, _CA (of the directory), _ROOTS (URL of the issuing root),
#                                 _HTTP_PORT (where it asks for HTTP-01) and _TLS_PORT (for TLS-ALPN-01)
#   test/testbed/acme.sh status   prints the same, or ends with status 3 when it is down
#   test/testbed/acme.sh down     stops it and removes its files
#
# ACME_LIFETIME is the life of its certificates in seconds. TB_NAME and TESTBED_DIR may be set, for several of them.
TB_NAME=${TB_NAME:-acme}
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# A test shall not wait as long as the Internet does, and a client must cope with nonces that are refused.
export PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=${PEBBLE_WFE_NONCEREJECT:-10} PEBBLE_AUTHZREUSE=0

# Six ports in a row, from the first that is free.
port() { echo $(($(tb_port 21500) + $1)); }

tb_up() {
  command -v pebble >/dev/null && command -v pebble-challtestsrv >/dev/null || tb_apt pebble
  command -v openssl >/dev/null || tb_apt openssl
  [ -s "$TB_STATE/directory.crt" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 \
    -subj "/CN=localhost" -addext "subjectAltName=DNS:localhost,IP:127.0.0.1" \
    -keyout "$TB_STATE/directory.key" -out "$TB_STATE/directory.crt" 2>"$TB_LOG/openssl.log"
  cat >"$TB_STATE/pebble.json" <<EOF
{"pebble": {
  "listenAddress": "127.0.0.1:$(port 0)", "managementListenAddress": "127.0.0.1:$(port 1)",
  "certificate": "$TB_STATE/directory.crt", "privateKey": "$TB_STATE/directory.key",
  "httpPort": $(port 2), "tlsPort": $(port 3), "ocspResponderURL": "",
  "certificateValidityPeriod": ${ACME_LIFETIME:-3600},
  "externalAccountBindingRequired": ${ACME_EAB:-false},
  "externalAccountMACKeys": {"test-key": "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"}
}}
EOF
  tb_start dns "$(id -un)" pebble-challtestsrv -defaultIPv4 127.0.0.1 -defaultIPv6 "" -dns01 "127.0.0.1:$(port 4)" \
    -management "127.0.0.1:$(port 5)" -http01 "" -https01 "" -tlsalpn01 ""
  tb_start pebble "$(id -un)" pebble -config "$TB_STATE/pebble.json" -dnsserver "127.0.0.1:$(port 4)"
  tb_wait 20 pebble tb_ready
}

tb_down() { tb_stop pebble; tb_stop dns; }

tb_ready() { tb_pid pebble >/dev/null && tb_pid dns >/dev/null && tb_tcp "$(port 0)" && tb_tcp "$(port 1)" && tb_tcp "$(port 5)"; }

tb_info() {
  cat <<EOF
ORRERY_TEST_ACME_DIRECTORY=https://localhost:$(port 0)/dir
ORRERY_TEST_ACME_CA=$TB_STATE/directory.crt
ORRERY_TEST_ACME_ROOTS=https://localhost:$(port 1)/roots/0
ORRERY_TEST_ACME_HTTP_PORT=$(port 2)
ORRERY_TEST_ACME_TLS_PORT=$(port 3)
EOF
}

tb_main "$@"
