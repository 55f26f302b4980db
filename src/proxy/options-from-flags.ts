/** The command line of configurable-http-proxy as options of this proxy; reads the files it names. All faults at once. */
import { readFileSync } from 'node:fs'
import type { ServerOptions as TlsServerOptions } from 'node:https'
import { createSecureContext } from 'node:tls'
import { HubError } from '../core/errors.ts'
import type { Logger } from '../core/runtime.ts'
import { http } from '../http/node-http.ts'
import type { ListenAddress } from './listen.ts'
import type { ProxyOptions } from './proxy-options.ts'
import type { CertificateFiles } from './tls/certificate-files.ts'
import { certificateFrom } from './tls/certificate-from-flags.ts'
import type { UpstreamTls } from './upstream-connections.ts'
import { parseUpstreamTarget } from './upstream-target.ts'

/** As commander names them. */
export interface ProxyFlags {
  ip?: string
  port?: number
  socket?: string
  sslKey?: string
  sslCert?: string
  sslCa?: string
  sslRequestCert?: boolean
  sslRejectUnauthorized?: boolean
  sslProtocol?: string
  sslCiphers?: string
  sslAllowRc4?: boolean
  sslDhparam?: string
  selfSigned?: boolean
  http2: boolean
  hsts?: number
  sslName: string[]
  sslFolder: string
  acme?: boolean
  acmeDirectory?: string
  acmeStaging?: boolean
  acmeChallenge?: string
  acmeEmail?: string
  acmeCa?: string
  acmeEabKeyId?: string
  apiIp: string
  apiPort?: number
  apiSocket?: string
  apiSslKey?: string
  apiSslCert?: string
  apiSslCa?: string
  apiSslRequestCert?: boolean
  apiSslRejectUnauthorized?: boolean
  clientSslKey?: string
  clientSslCert?: string
  clientSslCa?: string
  clientSslRequestCert?: boolean
  clientSslRejectUnauthorized?: boolean
  defaultTarget?: string
  errorTarget?: string
  errorPath?: string
  redirectPort?: number
  redirectTo?: number
  pidFile?: string
  xForward: boolean
  prependPath: boolean
  includePrefix: boolean
  autoRewrite?: boolean
  changeOrigin?: boolean
  protocolRewrite?: string
  customHeader: Record<string, string>
  insecure?: boolean
  hostRouting?: boolean
  metricsIp: string
  metricsPort?: number
  metricsSocket?: string
  metricsRoutes?: number
  logLevel: string
  timeout?: number
  proxyTimeout?: number
  keepAliveTimeout?: number
  storageBackend?: string
  statsdHost?: string
  statsdPort?: string
  statsdPrefix?: string
  snapshot?: string
  drainTimeout?: number
  workers?: number
}

/** Throws HubError `proxy_options_invalid`. */
export function proxyOptionsFrom(flags: ProxyFlags, env: NodeJS.ProcessEnv, log: Logger): ProxyOptions {
  const faults: string[] = []
  const read = (option: string, file: string | undefined): Buffer | undefined => {
    if (file === undefined) return undefined
    try {
      return readFileSync(file)
    } catch (error) {
      faults.push(`${option}: ${(error as NodeJS.ErrnoException).message}`) // readFileSync throws system errors
      return undefined
    }
  }

  if (flags.storageBackend && flags.snapshot === undefined)
    faults.push('--storage-backend loads no class here: name a file with --snapshot FILE, which keeps the routes')
  if (flags.errorTarget && flags.errorPath) faults.push('--error-target and --error-path exclude each other')
  const certificate = certificateFrom(flags, env, faults)
  if (flags.redirectPort !== undefined && !certificate) {
    faults.push('--redirect-port redirects to HTTPS and needs --ssl-key and --ssl-cert, --self-signed or --acme')
  }
  for (const [option, url] of Object.entries({
    'default-target': flags.defaultTarget,
    'error-target': flags.errorTarget,
  })) {
    if (url !== undefined && !parseUpstreamTarget(url)) faults.push(`--${option}: expected a URL, got "${url}"`)
  }
  for (const [name, value] of Object.entries(flags.customHeader)) {
    try {
      http.validateHeaderName(name)
      http.validateHeaderValue(name, value)
    } catch {
      faults.push(`--custom-header: "${name}" or its value is not valid in HTTP`)
    }
  }
  serverTls('ssl', flags.sslKey, flags.sslCert, flags.sslCa, env.CONFIGPROXY_SSL_KEY_PASSPHRASE, {
    requestCert: flags.sslRequestCert,
    rejectUnauthorized: flags.sslRejectUnauthorized,
  })
  const apiTls = serverTls(
    'api-ssl',
    flags.apiSslKey,
    flags.apiSslCert,
    flags.apiSslCa,
    env.CONFIGPROXY_API_SSL_KEY_PASSPHRASE,
    {
      requestCert: flags.apiSslRequestCert,
      rejectUnauthorized: flags.apiSslRejectUnauthorized,
    },
  )
  const tls = certificate && publicTls()
  const upstreamTls = clientTls()

  function serverTls(
    option: string,
    keyFile: string | undefined,
    certFile: string | undefined,
    caFile: string | undefined,
    passphrase: string | undefined,
    clients: { requestCert: boolean | undefined; rejectUnauthorized: boolean | undefined },
  ): TlsServerOptions | undefined {
    if (keyFile === undefined && certFile === undefined) return undefined
    if (keyFile === undefined || certFile === undefined)
      faults.push(`--${option}-key and --${option}-cert belong together`)
    const options: TlsServerOptions = {
      key: read(`--${option}-key`, keyFile),
      cert: read(`--${option}-cert`, certFile),
      ca: read(`--${option}-ca`, caFile),
      dhparam: read('--ssl-dhparam', flags.sslDhparam),
      passphrase,
      honorCipherOrder: true,
      ...(flags.sslCiphers && { ciphers: flags.sslCiphers }),
      ...(flags.sslProtocol && { secureProtocol: `${flags.sslProtocol}_method` }),
      ...(clients.requestCert && { requestCert: true }),
      ...(clients.rejectUnauthorized && { rejectUnauthorized: true }),
    }
    check(option, options)
    return options
  }

  /** What wins over the defaults, whatever certificate it is. */
  function publicTls(): TlsServerOptions {
    return {
      ...(flags.sslCa && certificate?.kind !== 'files' && { ca: read('--ssl-ca', flags.sslCa) }),
      ...(flags.sslCiphers && { ciphers: flags.sslCiphers }),
      ...(flags.sslProtocol && { secureProtocol: `${flags.sslProtocol}_method` }),
      ...(flags.sslRequestCert && { requestCert: true }),
      ...(flags.sslRejectUnauthorized && { rejectUnauthorized: true }),
    }
  }

  function clientTls(): UpstreamTls | undefined {
    if (!flags.clientSslKey && !flags.clientSslCert && !flags.clientSslCa) return undefined
    const options = {
      key: read('--client-ssl-key', flags.clientSslKey),
      cert: read('--client-ssl-cert', flags.clientSslCert),
      ca: read('--client-ssl-ca', flags.clientSslCa),
      passphrase: env.CONFIGPROXY_CLIENT_SSL_KEY_PASSPHRASE,
    }
    check('client-ssl', options)
    return options
  }

  function check(option: string, options: TlsServerOptions): void {
    if (faults.length > 0) return // what could not be read is reported already
    try {
      createSecureContext(options)
    } catch (error) {
      faults.push(`--${option}-*: ${(error as Error).message}`) // OpenSSL's reason
    }
  }

  if (faults.length > 0) {
    throw new HubError('proxy_options_invalid', {
      status: 400,
      message: `The proxy's options are wrong: ${faults.join('; ')}.`,
      nextStep: 'orrery proxy --help lists the options.',
    })
  }
  warnAbout(flags, env, log)

  const listen = publicAddress(flags)
  return {
    listen,
    api: apiAddress(flags, listen),
    metrics: metricsAddress(flags),
    metricsRoutes: flags.metricsRoutes,
    log,
    certificate,
    tls,
    http2: flags.http2,
    hstsSeconds: flags.hsts,
    apiTls,
    upstreamTls,
    apiTlsFiles: files(flags.apiSslKey, flags.apiSslCert, flags.apiSslCa, env.CONFIGPROXY_API_SSL_KEY_PASSPHRASE),
    upstreamTlsFiles: files(
      flags.clientSslKey,
      flags.clientSslCert,
      flags.clientSslCa,
      env.CONFIGPROXY_CLIENT_SSL_KEY_PASSPHRASE,
    ),
    insecure: flags.insecure ?? false,
    redirect: flags.redirectPort === undefined ? undefined : { port: flags.redirectPort, toPort: flags.redirectTo },
    authToken: env.CONFIGPROXY_AUTH_TOKEN,
    defaultTarget: flags.defaultTarget,
    errorTarget: flags.errorTarget,
    errorPath: flags.errorPath,
    snapshotFile: flags.snapshot,
    hostRouting: flags.hostRouting ?? false,
    prependPath: flags.prependPath,
    includePrefix: flags.includePrefix,
    xForward: flags.xForward,
    autoRewrite: flags.autoRewrite ?? false,
    changeOrigin: flags.changeOrigin ?? false,
    protocolRewrite: flags.protocolRewrite,
    customHeaders: flags.customHeader,
    ...(flags.timeout !== undefined && { timeoutMs: flags.timeout }),
    ...(flags.proxyTimeout !== undefined && { proxyTimeoutMs: flags.proxyTimeout }),
    ...(flags.workers !== undefined && { workers: flags.workers }),
    ...(flags.drainTimeout !== undefined && { drainTimeoutMs: flags.drainTimeout }),
    ...(flags.keepAliveTimeout !== undefined && { keepAliveTimeoutMs: flags.keepAliveTimeout }),
  }
}

/** Undefined where there is no pair that somebody could renew. */
function files(
  key: string | undefined,
  cert: string | undefined,
  ca: string | undefined,
  passphrase: string | undefined,
): CertificateFiles | undefined {
  return key === undefined || cert === undefined ? undefined : { key, cert, ca, passphrase }
}

function publicAddress(flags: ProxyFlags): ListenAddress {
  if (flags.socket !== undefined) return { socketPath: flags.socket }
  return { host: flags.ip === '*' ? '' : flags.ip, port: flags.port ?? 8000 }
}

function apiAddress(flags: ProxyFlags, listen: ListenAddress): ListenAddress {
  if (flags.apiSocket !== undefined) return { socketPath: flags.apiSocket }
  const besides = 'port' in listen ? (listen.port === 0 ? 0 : listen.port + 1) : 8001
  return { host: flags.apiIp === '*' ? '' : flags.apiIp, port: flags.apiPort ?? besides }
}

function metricsAddress(flags: ProxyFlags): ListenAddress | undefined {
  if (flags.metricsSocket !== undefined) return { socketPath: flags.metricsSocket }
  return flags.metricsPort === undefined ? undefined : { host: flags.metricsIp, port: flags.metricsPort }
}

function warnAbout(flags: ProxyFlags, env: NodeJS.ProcessEnv, log: Logger): void {
  if (!env.CONFIGPROXY_AUTH_TOKEN) {
    log.warn({}, 'REST API is not authenticated: CONFIGPROXY_AUTH_TOKEN is not set')
  }
  if (flags.statsdHost || flags.statsdPort || flags.statsdPrefix) {
    log.warn({}, '--statsd options have no effect: configurable-http-proxy dropped them too, use --metrics-port')
  }
  if (flags.storageBackend) {
    log.warn({ class: flags.storageBackend, file: flags.snapshot }, '--storage-backend has no effect beside --snapshot')
  }
  if (flags.sslAllowRc4) log.warn({}, '--ssl-allow-rc4 has no effect: RC4 is gone from TLS')
  if (!['debug', 'info', 'warn', 'error'].includes(flags.logLevel.toLowerCase())) {
    log.warn({ level: flags.logLevel }, 'unknown log level, using info')
  }
}
