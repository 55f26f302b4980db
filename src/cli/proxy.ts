/**
 * `orrery proxy`: the proxy as a program of its own, with the command line of configurable-http-proxy.
 *
 * Exit codes: 0 ended by SIGTERM or SIGINT, 1 failure, 75 an address is taken (try again), 78 wrong options.
 */

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import { type DestinationStream, pino } from 'pino'
import { gatheredStdout } from '../app/hub/gathered-log.ts'
import { packageVersion } from '../app/package-root.ts'
import { HubError } from '../core/errors.ts'
import { logOptions } from '../core/log-options.ts'
import type { Logger } from '../core/runtime.ts'
import { CHALLENGES } from '../pki/acme/settings.ts'
import { inheritedSockets, withInheritedSockets } from '../proxy/inherited-sockets.ts'
import { type ProxyFlags, proxyOptionsFrom } from '../proxy/options-from-flags.ts'
import { type RunningProxy, startProxy } from '../proxy/start-proxy.ts'
import { type Link, linkTo } from '../proxy/workers/link.ts'
import { predecessorLink, type SucceedMessage, startSuccessor } from '../proxy/workers/succession.ts'
import type { ConfigFlags } from './config-flags.ts'
import { exitStatusOf } from './exit-codes.ts'

/** Running requests may take this long after SIGTERM; a second signal ends at once. */
const GRACE_MS = 5000

export function proxyCommand(): Command {
  const command = new Command('proxy').description(
    'forward requests to hub and servers; takes its routes over a REST API',
  )
  command
    .version(packageVersion)
    .option('--config <file>', 'take addresses, error pages and token from this config; flags win over it')
    .option('--data-dir <folder>', 'data folder, with --config')
    .option('--python <program>', 'interpreter that runs a jupyterhub_config.py, with --config')
  const header = 'header for proxied requests, as name:value; may be given several times'
  return command
    .option('--ip <ip-address>', 'public address to listen on (default: all interfaces)')
    .option('--port <n>', 'public port (default: 8000; 0: any free one)', parsePort)
    .addOption(
      new Option('--socket <path>', 'public Unix socket instead of address and port').conflicts(['port', 'ip']),
    )
    .option('--ssl-key <keyfile>', 'private key for HTTPS; its passphrase is taken from CONFIGPROXY_SSL_KEY_PASSPHRASE')
    .option('--ssl-cert <certfile>', 'certificate chain for HTTPS')
    .option('--ssl-ca <ca-file>', 'authorities that client certificates must come from')
    .option('--ssl-request-cert', 'ask clients for certificates')
    .option('--ssl-reject-unauthorized', 'refuse clients without a valid certificate (needs --ssl-request-cert)')
    .option('--ssl-protocol <ssl-protocol>', 'only this TLS version, such as TLSv1_2')
    .option('--ssl-ciphers <ciphers>', 'ciphers, separated by colons (default: those of Node)')
    .addOption(new Option('--ssl-allow-rc4', 'no effect: no current TLS library has RC4').hideHelp())
    .option('--ssl-dhparam <dhparam-file>', 'Diffie-Hellman parameters (PEM)')
    .option('--no-http2', 'speak HTTP/1.1 alone with browsers')
    .option('--hsts <seconds>', 'tell browsers to come by HTTPS alone for so long', parseSeconds)
    .option('--self-signed', 'HTTPS with a certificate made here, for private networks and trials')
    .option(
      '--acme',
      "HTTPS with a certificate from Let's Encrypt or another authority, whose terms you agree to with it",
    )
    .option(
      '--ssl-name <name>',
      'name of the certificate with --acme or --self-signed; may be given several times',
      collect,
      [],
    )
    .option('--ssl-folder <folder>', 'where certificates made with --acme or --self-signed are kept', 'orrery-tls')
    .option('--acme-email <address>', 'where the authority may write to')
    .option('--acme-directory <url>', "ACME directory of another authority than Let's Encrypt")
    .option('--acme-staging', "Let's Encrypt's authority for trials, which no browser trusts")
    .option('--acme-ca <file>', 'authorities that the certificate of the ACME directory may come from')
    .option('--acme-eab-key-id <id>', 'account at the authority; its key is taken from CONFIGPROXY_ACME_EAB_HMAC_KEY')
    .addOption(
      new Option(
        '--acme-challenge <kind>',
        'what to answer (default: http-01 with --redirect-port, else tls-alpn-01)',
      ).choices(CHALLENGES),
    )
    .option('--api-ip <ip>', 'address of the REST API', 'localhost')
    .option('--api-port <n>', 'port of the REST API (default: public port + 1)', parsePort)
    .option('--api-socket <path>', 'Unix socket of the REST API instead of address and port')
    .option('--api-ssl-key <keyfile>', 'private key of the REST API; passphrase: CONFIGPROXY_API_SSL_KEY_PASSPHRASE')
    .option('--api-ssl-cert <certfile>', 'certificate chain of the REST API')
    .option('--api-ssl-ca <ca-file>', 'authorities that certificates of API clients must come from')
    .option('--api-ssl-request-cert', 'ask API clients for certificates')
    .option('--api-ssl-reject-unauthorized', 'refuse API clients without a valid certificate')
    .option(
      '--client-ssl-key <keyfile>',
      'private key shown to https targets; passphrase: CONFIGPROXY_CLIENT_SSL_KEY_PASSPHRASE',
    )
    .option('--client-ssl-cert <certfile>', 'certificate chain shown to https targets')
    .option('--client-ssl-ca <ca-file>', 'authorities that certificates of https targets must come from')
    .addOption(new Option('--client-ssl-request-cert', 'no effect, accepted for compatibility').hideHelp())
    .addOption(new Option('--client-ssl-reject-unauthorized', 'no effect: always so unless --insecure').hideHelp())
    .option('--default-target <url>', 'target of / until the API sets another')
    .option('--error-target <url>', 'where error pages come from: <url>/<status>?url=<requested URL>')
    .option('--error-path <path>', 'folder with error pages: 404.html, 503.html ... and error.html')
    .option('--redirect-port <n>', 'port whose HTTP requests are redirected to HTTPS', parsePort)
    .option('--redirect-to <port>', 'port to redirect to (default: the public port)', parsePort)
    .option('--pid-file <pid-file>', 'file to write the process id to')
    .option('--no-x-forward', 'do not add X-Forwarded-* headers')
    .option('--no-prepend-path', 'do not put the path of the target before that of the request')
    .option('--no-include-prefix', 'take the path of the route away from that of the request')
    .option('--auto-rewrite', 'rewrite host and port of redirects that name the target')
    .option('--change-origin', 'set the Host header to the host of the target')
    .option('--protocol-rewrite <proto>', 'set the protocol of redirects that name the target')
    .option('--custom-header <header>', header, collectHeader, {})
    .option('--insecure', 'do not verify certificates of https targets')
    .option('--host-routing', 'the first part of a route is a host name')
    .option('--metrics-ip <ip>', 'address of the metrics server', '')
    .option('--metrics-port <n>', 'port of the metrics server (default: none)', parsePort)
    .option('--metrics-socket <path>', 'Unix socket of the metrics server instead of address and port')
    .option(
      '--metrics-routes <n>',
      'how many routes have figures of their own in the metrics (default: 0)',
      parseNumber,
    )
    .option('--log-level <level>', 'debug, info, warn or error', 'info')
    .option('--timeout <ms>', 'drop a request whose client is silent for so long', parseMs)
    .option('--proxy-timeout <ms>', 'answer 504 when the target has not begun its response after so long', parseMs)
    .option('--keep-alive-timeout <ms>', 'keep idle client connections for so long (default: 5000)', parseMs)
    .option('--storage-backend <class>', 'no effect: --snapshot keeps the routes, and must be given too')
    .addOption(new Option('--statsd-host <host>', 'no effect: use --metrics-port').hideHelp())
    .addOption(new Option('--statsd-port <port>', 'no effect: use --metrics-port').hideHelp())
    .addOption(new Option('--statsd-prefix <prefix>', 'no effect: use --metrics-port').hideHelp())
    .option('--snapshot <file>', 'file that keeps the routes over a restart')
    .option('--workers <n>', 'processes that forward, on as many cores (default: 1)', parseCount)
    .option('--drain-timeout <ms>', 'connections may go on so long after SIGUSR2 (default: a day)', parseMs)
    .action(runProxy)
}

async function runProxy(given: ProxyFlags & ConfigFlags, command: Command): Promise<void> {
  let log = createLogger(given.logLevel, process.stdout.isTTY ? await prettyPrinter() : undefined)
  try {
    const { flags, env } =
      given.config === undefined ? { flags: given, env: process.env } : await readFlags(given, command)
    if (flags.logLevel !== given.logLevel) log = createLogger(flags.logLevel, undefined)
    const sockets = inheritedSockets(process.env, process.pid)
    const options = withInheritedSockets(proxyOptionsFrom(flags, env, log), sockets)
    const running = await startProxy(options, predecessorLink())
    const { publicAddress, apiAddress, metricsAddress, redirectAddress } = running
    log.info(
      {
        pid: process.pid,
        url: publicAddress.url,
        api: `${apiAddress.url}/api/routes`,
        ...(metricsAddress && { metrics: `${metricsAddress.url}/metrics` }),
        ...(redirectAddress && { redirect: redirectAddress.url }),
      },
      'proxy ready',
    )
    if (flags.pidFile) keepPidFile(flags.pidFile)
    endOnSignals(running.close, log)
    process.on('SIGHUP', () => {
      log.info({}, options.certificate ? 'hangup: looking for a new certificate' : 'hangup ignored')
      void running.reloadCertificate()
    })
    replaceOnSignal(running, log)
    const { tellSupervisor } = await import('../app/supervised.ts')
    tellSupervisor({ type: 'ready' })
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    const { tellFailure } = await import('../app/supervised.ts')
    if (!(await tellFailure(error, error.message)))
      log.error({ code: error.code, next: error.nextStep, err: error.cause }, error.message)
    process.exitCode = EXIT_CODES[error.code] ?? exitStatusOf(error)
  }
}

async function readFlags(given: ProxyFlags & ConfigFlags, command: Command) {
  const { flagsFromConfig } = await import('./proxy-config.ts')
  return flagsFromConfig(given, command)
}

const EXIT_CODES: Record<string, number> = {
  port_taken: 75, // EX_TEMPFAIL
  address_unusable: 78, // EX_CONFIG
  proxy_options_invalid: 78,
  certificate_unusable: 78,
  snapshot_unreadable: 78,
}

function endOnSignals(close: (options: { graceMs: number }) => Promise<void>, log: Logger): void {
  let ending = false
  const end = async (signal: NodeJS.Signals) => {
    if (ending) process.exit(0)
    ending = true
    log.info({ signal }, 'proxy ending')
    await close({ graceMs: GRACE_MS })
    process.exit(0)
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
  // Thousands of connections are worth more than the one whose handling threw.
  process.on('uncaughtException', error => log.error({ err: error }, 'unexpected error'))
  process.on('unhandledRejection', error => log.error({ err: error }, 'unexpected rejection'))
}

/** SIGUSR2, or an order of the supervisor: another process takes this one's place, and this one ends when it is idle. */
function replaceOnSignal(running: RunningProxy, log: Logger): void {
  let giving = false
  const give = async (successor: () => Link) => {
    if (giving) return
    giving = true
    try {
      await running.handOver(successor())
      process.exit(0)
    } catch (error) {
      log.error({ err: error }, 'successor could not take over, this proxy goes on')
      giving = false
    }
  }
  process.on('SIGUSR2', async () => {
    const { isSupervised, tellSupervisor } = await import('../app/supervised.ts')
    if (isSupervised()) tellSupervisor({ type: 'replace' })
    else await give(() => startSuccessor(running))
  })
  process.on('message', value => {
    const { type, pid } = value as SucceedMessage // from our own supervisor
    if (type === 'succeed') void give(() => linkTo(process, pid))
  })
}

function keepPidFile(file: string): void {
  writeFileSync(file, String(process.pid))
  process.on('exit', () => {
    try {
      if (readFileSync(file, 'utf8') === String(process.pid)) rmSync(file)
    } catch {
      // removed by someone else
    }
  })
}

/** One JSON record a line, gathered for a moment: a thousand routes are told of at once. On a terminal made for reading. */
function createLogger(level: string, terminal: DestinationStream | undefined): Logger {
  const known = ['debug', 'info', 'warn', 'error'].includes(level.toLowerCase())
  const options = logOptions('proxy', known ? level.toLowerCase() : 'info')
  return pino(options, terminal ?? gatheredStdout())
}

/** Loaded on a terminal only: it is a good part of the start. */
async function prettyPrinter(): Promise<DestinationStream> {
  const { default: pretty } = await import('pino-pretty')
  return pretty({ sync: true })
}

function parsePort(value: string): number {
  const port = Number(value)
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new InvalidArgumentError('expected a port number.')
  return port
}

function parseSeconds(value: string): number {
  const seconds = Number(value)
  if (!Number.isInteger(seconds) || seconds < 0) throw new InvalidArgumentError('expected a number of seconds.')
  return seconds
}

function parseNumber(value: string): number {
  const count = Number(value)
  if (!Number.isInteger(count) || count < 0) throw new InvalidArgumentError('expected a number.')
  return count
}

function parseMs(value: string): number {
  const ms = Number(value)
  if (!Number.isFinite(ms) || ms < 0) throw new InvalidArgumentError('expected milliseconds.')
  return ms
}

function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value]
}

function parseCount(value: string): number {
  const count = Number(value)
  if (!Number.isInteger(count) || count < 1 || count > 256)
    throw new InvalidArgumentError('expected a number from 1 up.')
  return count
}

function collectHeader(value: string, previous: Record<string, string>): Record<string, string> {
  const colon = value.trim().indexOf(':')
  if (colon <= 0) throw new InvalidArgumentError('expected name:value.')
  const trimmed = value.trim()
  return { ...previous, [trimmed.slice(0, colon).trim()]: trimmed.slice(colon + 1).trim() }
}

if (import.meta.main) await proxyCommand().parseAsync()
