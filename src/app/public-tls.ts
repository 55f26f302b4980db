/** What a config says to the proxy about TLS with browsers. */
import { isIP } from 'node:net'
import { join } from 'node:path'
import type { Config } from '../config/schema.ts'
import { speaksTls } from '../config/speaks-tls.ts'
import { dataPaths } from './data-folder.ts'

/** Flags of `orrery proxy`; those for files and the redirect are configurable-http-proxy's, too. */
export function publicTlsFlags(config: Config) {
  const { tls } = config.proxy
  if (!speaksTls(tls)) return {}
  const { key, cert, selfSigned, acme, redirectPort } = tls
  // Another program's command line has none of the latter.
  const common = {
    ...(redirectPort !== undefined && { redirectPort }),
    ...(tls.hsts > 0 && config.proxy.command === undefined && { hsts: Math.round(tls.hsts) }),
    ...(!tls.http2 && config.proxy.command === undefined && { http2: false }),
  }
  if (key !== undefined) return { ...common, sslKey: key, sslCert: cert }
  return {
    ...common,
    sslName: tls.names ?? namesOf(config),
    sslFolder: join(dataPaths(config.dataDir).hub, 'tls'),
    ...(selfSigned ? { selfSigned } : acmeFlags(acme)),
  }
}

/** What does not stand in a command line. */
export function publicTlsSecrets({ proxy: { tls } }: Config): NodeJS.ProcessEnv {
  return {
    ...(tls.keyPassphrase !== undefined && { CONFIGPROXY_SSL_KEY_PASSPHRASE: tls.keyPassphrase }),
    ...(tls.acme.eabHmacKey !== undefined && { CONFIGPROXY_ACME_EAB_HMAC_KEY: tls.acme.eabHmacKey }),
  }
}

function acmeFlags({ email, directory, staging, challenge, caFile, eabKeyId }: Config['proxy']['tls']['acme']) {
  return {
    acme: true,
    ...(email !== undefined && { acmeEmail: email }),
    ...(directory !== undefined && { acmeDirectory: directory }),
    ...(staging && { acmeStaging: true }),
    ...(challenge !== undefined && { acmeChallenge: challenge }),
    ...(caFile !== undefined && { acmeCa: caFile }),
    ...(eabKeyId !== undefined && { acmeEabKeyId: eabKeyId }),
  }
}

/** The names that people type; servers below a host of their own need one with `*`, which no challenge here can get. */
function namesOf({ publicUrl, subdomainHost, proxy }: Config): string[] {
  const host = new URL(publicUrl).hostname.replace(/^\[|\]$/g, '')
  const isName = subdomainHost !== undefined && !isIP(host) && !proxy.tls.acme.enabled
  return isName ? [host, `*.${host}`] : [host]
}
