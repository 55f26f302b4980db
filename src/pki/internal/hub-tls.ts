/**
 * Internal TLS as the hub uses it: for its own port, for each kind of connection that it opens, and for what it hands to
 * servers and services. What changes on disk, by `orrery pki` or by a renewal, is taken over without a restart.
 */
import { statSync } from 'node:fs'
import { background, type Logger } from '../../core/runtime.ts'
import type { ServerKey } from '../../core/server-key.ts'
import { type AuthorityName, HUB_PEERS } from './authorities.ts'
import { authorityFile, trustedRoots } from './authority-files.ts'
import { type PkiSettings, preparePki } from './change-pki.ts'
import { type ClientTls, clientTls, clientTlsTo } from './client-tls.ts'
import { componentPaths, readComponent } from './component-files.ts'
import { getAuthority, issueFor, serverCommonName, serverIdentity } from './issue.ts'
import type { TlsMaterial } from './material.ts'

export interface HubTls {
  /** Of the hub's port: everybody has to show a certificate. */
  readonly listen: TlsMaterial & { readonly requestCert: true; readonly rejectUnauthorized: true }
  readonly toProxy: ClientTls
  readonly toServices: ClientTls
  toServer(key: ServerKey): ClientTls
  forServer(key: ServerKey, names: readonly string[]): Promise<TlsMaterial>
  forService(name: string, names: readonly string[]): Promise<TlsMaterial>
  /** Looks after renewals until `close`; `changed` is called with what is new. */
  keepUpToDate(changed: (now: HubTls) => void, log: Logger): void
  close(): void
}

const LOOK_EVERY_MS = 10_000
const RENEW_EVERY_MS = 3600_000

/** After `preparePki`. Throws HubError `pki_file_unusable`. */
export function openHubTls(settings: PkiSettings): HubTls {
  let now = read(settings)
  let timers: NodeJS.Timeout[] = []
  const tls: HubTls = {
    get listen() {
      return now.listen
    },
    get toProxy() {
      return now.toProxy
    },
    get toServices() {
      return now.toServices
    },
    toServer: key => clientTlsTo(now.toServers, serverIdentity(key), serverCommonName(key)),
    forServer: (key, names) =>
      issueFor(settings, {
        authority: 'notebooks-ca',
        commonName: serverCommonName(key),
        identity: serverIdentity(key),
        names,
      }),
    forService: (name, names) => issueFor(settings, { authority: 'services-ca', commonName: `service-${name}`, names }),
    keepUpToDate(changed, log) {
      let seen = stateOf(settings)
      const look = () => {
        const state = stateOf(settings)
        if (state === seen) return
        now = read(settings)
        seen = state
        log.info({}, 'new certificates of internal tls taken over')
        changed(tls)
      }
      const renew = async () => {
        for (const change of await preparePki(settings)) log.info(change, 'internal tls changed')
        look()
      }
      const lookSafely = async () => look()
      timers = [
        setInterval(() => background(lookSafely(), 'look at certificates', log), LOOK_EVERY_MS),
        setInterval(() => background(renew(), 'renew certificates', log), RENEW_EVERY_MS),
      ]
      for (const timer of timers) timer.unref()
    },
    close() {
      for (const timer of timers) clearInterval(timer)
    },
  }
  return tls
}

function read(settings: PkiSettings) {
  const own = readComponent(settings.folder, 'hub')
  if (!own) throw new Error(`the hub's certificate has gone from ${settings.folder}`)
  const trusting = (peers: readonly AuthorityName[]): TlsMaterial => ({
    ...own,
    ca: peers.map(name => trustedRoots(getAuthority(settings, name))).join(''),
  })
  return {
    listen: { ...trusting(HUB_PEERS.clients), requestCert: true, rejectUnauthorized: true } as const,
    toProxy: clientTls(trusting(HUB_PEERS.proxy)),
    toServers: clientTls(trusting(HUB_PEERS.servers)),
    toServices: clientTls(trusting(HUB_PEERS.services)),
  }
}

/** Changes whenever one of the files is written. */
function stateOf({ folder, given }: PkiSettings): string {
  const files = [componentPaths(folder, 'hub').cert, ...HUB_PEERS.clients, 'proxy-api-ca'] as const
  return files
    .map(name => {
      const file = name.includes('/') ? name : authorityFile(folder, name as AuthorityName, given)
      return statSync(file, { throwIfNoEntry: false })?.mtimeMs
    })
    .join(' ')
}
