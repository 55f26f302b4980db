/**
 * Runs the managed services of the config: in one hub at a time, that of the lease, since two cullers or two web
 * services on one port are one too many. They end with it; what a killed hub left running is ended before the start.
 */
import { hostname } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { background, type Logger } from '../core/runtime.ts'
import type { Database } from '../db/database.ts'
import { acquireLease, type Lease } from '../db/leases.ts'
import type { LauncherClient } from '../launcher/client.ts'
import { serviceKey } from '../launcher/launched-services.ts'
import type { TlsFilePaths } from '../plugin/spawner.ts'
import { answersWithin } from './answers-within.ts'
import { keepService } from './keep-service.ts'
import { runLaunchedProcess } from './launched-process.ts'
import { runOwnProcess } from './own-process.ts'
import { END_STEPS, processRecords, type ServiceProcess } from './process-records.ts'
import { type ServiceSite, serviceEnvironment } from './service-environment.ts'
import { placeServiceTls, type ServicesTls } from './services-tls.ts'

/** A service of the config as it stands in the database. */
export interface KnownService {
  readonly id: number
  readonly oauthClientId: string
  /** Given in the config. */
  readonly apiToken: string | undefined
  readonly service: {
    readonly name: string
    readonly url?: string | undefined
    readonly command?: readonly string[] | undefined
    readonly cwd?: string | undefined
    readonly user?: string | undefined
    readonly environment: Readonly<Record<string, string>>
    /** Seconds that it may take to answer. */
    readonly timeout: number
  }
}

export interface ManagedServices {
  /** Returns at once; tells the log how it goes. */
  start(): void
  /** Ends the services, and returns when they are gone. */
  close(): Promise<void>
}

export interface ManagedServicesDeps {
  readonly database: Database
  readonly services: readonly KnownService[]
  readonly site: ServiceSite
  /** Unique to this hub. */
  readonly holder: string
  /** Runs those that `launched` names, each as its own Linux user. */
  readonly launcher: LauncherClient
  readonly launched: ReadonlySet<string>
  /** Internal TLS; without it services are spoken to as their URLs say. */
  readonly tls?: ServicesTls | undefined
  readonly log: Logger
  /** Makes a token for a service that has none of the config, in the place of an earlier one. */
  renewToken(service: KnownService): Promise<string>
  readonly leaseTermMs?: number
}

const LEASE = 'services'
const LEASE_TERM_MS = 10_000

export function createManagedServices(deps: ManagedServicesDeps): ManagedServices {
  const { database, services, holder, log, leaseTermMs = LEASE_TERM_MS } = deps
  const managed = services.filter(({ service }) => service.command !== undefined)
  const records = processRecords(database.db, hostname())
  const closed = new AbortController()
  let running: Promise<unknown> = Promise.resolve()

  async function run(): Promise<void> {
    while (!closed.signal.aborted) {
      const lease = await acquireLease(database, LEASE, holder, leaseTermMs).catch(err => {
        log.warn({ err }, 'managed services could not be asked for')
        return undefined
      })
      if (lease) await runUnder(lease).catch(err => log.error({ err }, 'managed services could not be run'))
      await sleep(leaseTermMs / 3, undefined, { signal: closed.signal }).catch(() => {})
    }
  }

  async function runUnder(lease: Lease): Promise<void> {
    try {
      for (const { service, pid } of await records.endLeftovers(endLaunched)) {
        log.warn({ service, pid }, 'service of a former hub ended')
      }
      const stop = AbortSignal.any([lease.lost, closed.signal])
      await Promise.all(managed.map(one => runService(one, stop)))
    } finally {
      await lease.release()
    }
  }

  async function runService(known: KnownService, stop: AbortSignal): Promise<void> {
    const { service, oauthClientId } = known
    const ownLog = log.child({ service: service.name })
    const launched = deps.launched.has(service.name)
    const run = {
      log: ownLog,
      async onStart(process: { pid: number; startTime: string }) {
        await records.started({ service: service.name, launched, ...process })
        background(tellWhenItAnswers(service, stop), 'service', ownLog)
      },
      onEnd: () => records.ended(service.name),
    }
    let secret = known.apiToken
    // Whatever fails here is tried again like a service that ends, and no other service suffers for it.
    const runOnce = async (stopped: AbortSignal) => {
      secret ??= await deps.renewToken(known)
      const apiToken = secret
      const environmentWith = (tlsFiles?: TlsFilePaths) =>
        serviceEnvironment(siteOf(launched), { ...service, apiToken, oauthClientId, tlsFiles })
      const tls = await deps.tls?.issue(service.name)
      if (launched) {
        const theirs = { launcher: deps.launcher, name: service.name, environment: environmentWith(), tls }
        return runLaunchedProcess({ ...run, ...theirs }, stopped)
      }
      const files = tls && (await placeServiceTls(deps.tls!.folder, service.name, tls)) // it has just issued it
      const own = { command: service.command!, cwd: service.cwd, secret, environment: environmentWith(files) } // filtered above
      return runOwnProcess({ ...run, ...own }, stopped)
    }
    await keepService(runOnce, ownLog, stop)
  }

  /** Search paths of the hub's own are nothing for another user. */
  function siteOf(launched: boolean): ServiceSite {
    if (!launched) return deps.site
    const { LANG, LC_ALL } = deps.site.hubEnvironment
    return { ...deps.site, hubEnvironment: { LANG, LC_ALL } }
  }

  async function endLaunched({ service, pid, startTime }: ServiceProcess): Promise<boolean> {
    const seen = { key: serviceKey(service), pid, startTime }
    const { running } = await deps.launcher.call('poll', seen)
    if (running) await deps.launcher.call('stop', { ...seen, ...END_STEPS })
    return running
  }

  async function tellWhenItAnswers({ name, url, timeout }: KnownService['service'], stop: AbortSignal): Promise<void> {
    if (
      url === undefined ||
      (await answersWithin(url, { timeoutMs: timeout * 1000, tls: deps.tls?.connect() }, stop)) ||
      stop.aborted
    )
      return
    log.warn({ service: name, url, timeout }, 'service does not answer')
  }

  return {
    start() {
      // Services that somebody else runs are looked at once, as JupyterHub does at its start.
      for (const { service } of services) {
        if (service.command === undefined) background(tellWhenItAnswers(service, closed.signal), 'service', log)
      }
      // Without managed ones too: a former config may have had some.
      running = run()
    },
    async close() {
      closed.abort()
      await running
    },
  }
}
