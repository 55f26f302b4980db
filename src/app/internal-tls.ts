/** Internal TLS as a config describes it: whose certificates bear which names, and where they lie. */
import { hostname } from 'node:os'
import type { Config } from '../config/schema.ts'
import { type Clock, systemClock } from '../core/runtime.ts'
import { alternativeName } from '../pki/internal/alternative-name.ts'
import { COMPONENTS, type ComponentName } from '../pki/internal/authorities.ts'
import { bundlePath, type PkiSettings } from '../pki/internal/change-pki.ts'
import { componentPaths } from '../pki/internal/component-files.ts'
import { listenOf } from './ports.ts'

const LOCAL = ['DNS:localhost', 'IP:127.0.0.1', 'IP:::1'] as const

/** Undefined when it is off. */
export function pkiSettings(config: Config, clock: Clock = systemClock): PkiSettings | undefined {
  const { internalTls, hub, proxy, servers } = config
  if (!internalTls.enabled) return undefined
  const { folder, trustedAltNames, authorities: given } = internalTls
  const at = (...urls: (string | undefined)[]) => [
    ...new Set([...thisMachine(), ...urls.flatMap(hostOf), ...trustedAltNames]),
  ]
  return {
    folder,
    names: {
      hub: at(hub.bindUrl, hub.connectUrl, servers.hubConnectUrl),
      proxyApi: at(proxy.apiUrl),
      proxyClient: at(),
    },
    given,
    // Who runs a proxy elsewhere may have given it certificates of their own.
    without: proxy.external ? componentsOf(name => given[name] !== undefined && given[name].key === undefined) : [],
    clock,
  }
}

/** Names under which this machine is reached from itself; a server on all interfaces is reached by the machine's name. */
export function thisMachine(): string[] {
  return [...LOCAL, alternativeName(hostname())]
}

/** Flags of the proxy, this one or the released configurable-http-proxy, as JupyterHub gives them. */
export function proxyTlsFlags({ internalTls }: Config) {
  if (!internalTls.enabled) return {}
  const { folder } = internalTls
  const [api, client] = [componentPaths(folder, 'proxyApi'), componentPaths(folder, 'proxyClient')]
  return {
    apiSslKey: api.key,
    apiSslCert: api.cert,
    apiSslCa: bundlePath(folder, 'proxy-api-ca'),
    apiSslRequestCert: true,
    apiSslRejectUnauthorized: true,
    clientSslKey: client.key,
    clientSslCert: client.cert,
    clientSslCa: bundlePath(folder, 'proxy-client-ca'),
    clientSslRequestCert: true,
    clientSslRejectUnauthorized: true,
  }
}

function componentsOf(isForeign: (authority: (typeof COMPONENTS)[ComponentName]['authority']) => boolean) {
  const names = Object.keys(COMPONENTS) as ComponentName[] // the keys of a constant
  return names.filter(name => isForeign(COMPONENTS[name].authority))
}

/** None for an address that stands for all. */
function hostOf(url: string | undefined): string[] {
  if (url === undefined) return []
  const { host } = listenOf(url)
  return host === '' || host === '0.0.0.0' || host === '::' ? [] : [alternativeName(host)]
}
