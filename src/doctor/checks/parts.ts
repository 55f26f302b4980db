import { readFileSync } from 'node:fs'
import { pkiSettings } from '../../app/internal-tls.ts'
import { packageVersion } from '../../app/package-root.ts'
import { listenOf } from '../../app/ports.ts'
import { HubError } from '../../core/errors.ts'
import { PROBE_HEADER } from '../../features/probe/probe-key.ts'
import { proxyApi } from '../../proxy/api-client.ts'
import { AS_ROOT, defineCheck, failure, type Outcome, ok, type Site, skipped, warning } from '../check.ts'
import { probeKey } from '../front/probe-secret.ts'
import { isEveryAddress } from '../local-addresses.ts'
import { partsOf } from '../processes.ts'
import { connectionFault, statusOf } from '../tcp.ts'

export const partsCheck = defineCheck({
  id: 'parts',
  title: 'Hub and proxy',
  items: {
    runs: '`orrery start` runs on this data folder, with all of its parts.',
    hub: 'The hub answers where the proxy looks for it.',
    version: 'The hub that runs is the Orrery that is installed: after an update it has to be restarted.',
    proxy: "The proxy's API answers, and takes the token of this installation.",
    'public-port': 'The proxy answers on its public port and leads to the hub.',
  },
  async run(site) {
    const [hub, version, proxy, publicPort] = await Promise.all([
      askHub(site),
      askVersion(site),
      askProxy(site),
      askPublicPort(site),
    ])
    const all = [hub, ...version, proxy, publicPort]
    const nothing = site.supervisor === undefined && all.every(({ level }) => level !== 'ok')
    if (nothing) return [notRunning(site)]
    return [running(site), ...all]
  },
})

function notRunning({ paths }: Site): Outcome<'runs'> {
  return skipped(
    'runs',
    `Orrery does not run on ${paths.dataDir}: what needs it was not looked at.`,
    'Start it (systemctl start orrery) and look again.',
  )
}

function running({ supervisor, inHub }: Site): Outcome<'runs'> {
  if (inHub) return ok('runs', `The hub runs, Orrery ${packageVersion}.`)
  if (supervisor === undefined) return ok('runs', 'Parts of Orrery run, started one by one.')
  const parts = [...partsOf(supervisor).keys()]
  return ok('runs', `orrery start runs (process ${supervisor}) with ${parts.join(', ')}.`, { pid: supervisor, parts })
}

async function askHub({ config }: Site): Promise<Outcome<'hub'>> {
  const { connectUrl } = config.hub
  const { host, port } = listenOf(connectUrl)
  const next = 'The end of log/hub.log tells why it does not; hub.bindUrl and hub.connectUrl say where it should be.'
  const fault = await connectionFault(host, port)
  if (fault) return failure('hub', `The hub does not answer at ${connectUrl} (${fault}).`, next)
  // Whoever has no certificate of its authorities is not let in; that somebody listens has to do.
  if (config.internalTls.enabled) return ok('hub', `The hub listens at ${connectUrl}, with internal TLS.`)
  const { status } = await statusOf(`${connectUrl}${config.baseUrl}hub/health`, {})
  if (status === 200) return ok('hub', `The hub answers at ${connectUrl}.`)
  return failure(
    'hub',
    `Something answers at ${connectUrl} with status ${status}, and it is not this hub.`,
    `ss -ltnp 'sport = :${port}' shows what it is.`,
  )
}

/** The hub tells it to whoever may read its cookie secret. */
async function askVersion(site: Site): Promise<Outcome<'version'>[]> {
  const { config, inHub } = site
  const key = inHub || config.internalTls.enabled ? undefined : probeKey(site)
  if (key === undefined) return []
  const url = `${config.hub.connectUrl}${config.baseUrl}hub/probe/echo`
  const { body } = await statusOf(url, { [PROBE_HEADER]: key }).catch(() => ({ body: '' })) // told by another item
  const [, running] = /"version":"([^"]+)"/.exec(body) ?? []
  if (running === undefined) return []
  if (running === packageVersion) return [ok('version', `The hub that runs is Orrery ${running}, as installed.`)]
  return [
    warning(
      'version',
      `The hub that runs is Orrery ${running}, and ${packageVersion} is installed.`,
      'Restart Orrery (systemctl restart orrery); servers go on.',
      { running, installed: packageVersion },
    ),
  ]
}

async function askProxy({ config, paths }: Site): Promise<Outcome<'proxy'>> {
  const { apiUrl, authToken } = config.proxy
  const token = authToken ?? readIfAllowed(paths.proxyToken)
  if (token === undefined)
    return skipped('proxy', "The token of the proxy's API cannot be read from this account.", AS_ROOT)
  const { host, port } = listenOf(apiUrl)
  const at = isEveryAddress(host) ? '127.0.0.1' : host
  try {
    const pki = apiUrl.startsWith('https:') ? pkiSettings(config) : undefined
    const tls = pki && (await import('../../pki/internal/hub-tls.ts')).openHubTls(pki).toProxy
    const url = `${apiUrl.split(':')[0]}://${at.includes(':') ? `[${at}]` : at}:${port}`
    await proxyApi({ url, token, tls: tls && (() => tls), timeoutMs: 3_000 }).ping()
    return ok('proxy', `The proxy's API answers at ${apiUrl}.`)
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    const refused = error.code === 'proxy_refused'
    return failure(
      'proxy',
      refused
        ? `The proxy's API at ${apiUrl} does not take the token of this installation.`
        : `The proxy's API does not answer at ${apiUrl}.`,
      refused
        ? 'Give the proxy the same token (CONFIGPROXY_AUTH_TOKEN, proxy.authToken), or stop the other program on that port.'
        : 'The end of log/proxy.log tells why; an external proxy has to be started by its own means.',
      { code: error.code },
    )
  }
}

async function askPublicPort({ config }: Site): Promise<Outcome<'public-port'>> {
  if (config.proxy.external)
    return skipped('public-port', 'The proxy is started by somebody else; see the check front.')
  const { host, port } = listenOf(config.bindUrl)
  const at = isEveryAddress(host) ? '127.0.0.1' : host
  const scheme = config.bindUrl.startsWith('https:') ? 'https' : 'http'
  const url = `${scheme}://${at.includes(':') ? `[${at}]` : at}:${port}`
  const next = `The end of log/proxy.log tells why; ss -ltnp 'sport = :${port}' shows who listens.`
  try {
    // With subdomains the hub is found by its host.
    const { status } = await statusOf(`${url}${config.baseUrl}hub/health`, { host: new URL(config.publicUrl).host })
    if (status === 200) return ok('public-port', `The proxy answers on port ${port} and leads to the hub.`)
    return failure('public-port', `Port ${port} answers with status ${status} instead of leading to the hub.`, next, {
      status,
    })
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    return failure('public-port', `Nothing answers on port ${port} of ${at} (${code}).`, next)
  }
}

function readIfAllowed(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim() || undefined
  } catch {
    return undefined
  }
}
