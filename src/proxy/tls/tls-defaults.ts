import { constants } from 'node:crypto'
import type { TlsOptions } from 'node:tls'

/**
 * What clients of the last ten years speak and nothing older: the "intermediate" set of Mozilla's server side TLS
 * guidelines. All of it has forward secrecy and authenticated encryption.
 */
export const modernTls = {
  minVersion: 'TLSv1.2',
  ciphers: [
    'TLS_AES_128_GCM_SHA256',
    'TLS_AES_256_GCM_SHA384',
    'TLS_CHACHA20_POLY1305_SHA256',
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-RSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-RSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
    'ECDHE-RSA-CHACHA20-POLY1305',
    // Of use with --ssl-dhparam alone.
    'DHE-RSA-AES128-GCM-SHA256',
    'DHE-RSA-AES256-GCM-SHA384',
  ].join(':'),
  // A telephone without AES in its processor asks for ChaCha20 first and gets it; else the order above holds.
  honorCipherOrder: true,
  secureOptions: constants.SSL_OP_PRIORITIZE_CHACHA,
} as const satisfies TlsOptions
