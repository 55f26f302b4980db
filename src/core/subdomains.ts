/**
 * Which host somebody's pages lie on: with `subdomainHost` the hub has its own, and every user and service another one
 * below it, so that scripts of one never reach cookies or pages of another. Absent everywhere: all share one host.
 */
import { oauthCallbackPath, serverPath, servicePath, userPath } from './names.ts'
import type { ServerKey } from './server-key.ts'
import { idnaSubdomain, legacySubdomain, type SubdomainHook, type SubdomainKind } from './subdomain-names.ts'

export interface Subdomains {
  /** Of the hub, as browsers name it: `https://hub.example.org:8443`. */
  readonly origin: string
  /** Of the hub, without a port: `hub.example.org`. */
  readonly domain: string
  /** `alice.hub.example.org`, in small letters, as browsers write it. */
  domainOf(kind: SubdomainKind, name: string): string
  /** `https://alice.hub.example.org:8443`. */
  originOf(kind: SubdomainKind, name: string): string
  /** Is this host (with its port) the hub's or one below it? */
  includes(host: string): boolean
  /** Is this host (without a port) one below the hub's? */
  isBelow(hostname: string): boolean
}

export interface SubdomainOptions {
  /** `https://hub.example.org:8443`. */
  readonly host: string
  readonly hook?: 'idna' | 'legacy' | SubdomainHook
  /** The site's function gave something that is no host below the hub's; the name gets its `idna` host. */
  readonly onWrongHost?: (name: string, answer: unknown) => void
}

export function createSubdomains({ host, hook = 'idna', onWrongHost }: SubdomainOptions): Subdomains {
  const { origin, protocol, hostname: domain, port, host: hubHost } = new URL(host)
  const isBelow = (hostname: string) => hostname.toLowerCase().endsWith(`.${domain}`)

  function domainOf(kind: SubdomainKind, name: string): string {
    if (hook === 'idna') return idnaSubdomain(name, domain, kind).toLowerCase()
    if (hook === 'legacy') return legacySubdomain(name, domain, kind).toLowerCase()
    // A list of users must not fail for one name.
    const answer: unknown = attempt(() => hook(name, domain, kind))
    if (typeof answer === 'string' && isBelow(answer) && isHostName(answer)) return answer.toLowerCase()
    onWrongHost?.(name, answer)
    return idnaSubdomain(name, domain, kind).toLowerCase()
  }

  return {
    origin,
    domain,
    domainOf,
    originOf: (kind, name) => `${protocol}//${domainOf(kind, name)}${port === '' ? '' : `:${port}`}`,
    includes(given) {
      const asWritten = URL.parse(`${protocol}//${given}`)?.host
      return asWritten !== undefined && (asWritten === hubHost || asWritten.endsWith(`.${hubHost}`))
    },
    isBelow,
  }
}

/** What addresses are made of. */
export interface SiteAddresses {
  /** Begins and ends with a slash. */
  readonly baseUrl: string
  readonly subdomains?: Subdomains | undefined
}

/** `/user/alice/`; with subdomains `https://alice.hub.example.org/user/alice/`. */
export function userUrl(user: string, { baseUrl, subdomains }: SiteAddresses): string {
  return onHost(subdomains, 'user', user) + userPath(user, baseUrl)
}

/** `/user/alice/gpu/`; with subdomains with the user's host. */
export function serverUrl(key: ServerKey, { baseUrl, subdomains }: SiteAddresses): string {
  return onHost(subdomains, 'user', key.user) + serverPath(key, baseUrl)
}

/** The redirect address of the server's own OAuth client. */
export function oauthCallbackUrl(key: ServerKey, { baseUrl, subdomains }: SiteAddresses): string {
  return onHost(subdomains, 'user', key.user) + oauthCallbackPath(key, baseUrl)
}

/** `/services/culler/`; with subdomains with the service's host. */
export function serviceUrl(name: string, { baseUrl, subdomains }: SiteAddresses): string {
  return onHost(subdomains, 'service', name) + servicePath(name, baseUrl)
}

/** The server's route in the proxy: its path; with subdomains `alice.hub.example.org/user/alice/`. */
export function serverRoute(key: ServerKey, { baseUrl, subdomains }: SiteAddresses): string {
  return (subdomains?.domainOf('user', key.user) ?? '') + serverPath(key, baseUrl)
}

export function serviceRoute(name: string, { baseUrl, subdomains }: SiteAddresses): string {
  return (subdomains?.domainOf('service', name) ?? '') + servicePath(name, baseUrl)
}

function onHost(subdomains: Subdomains | undefined, kind: SubdomainKind, name: string): string {
  return subdomains?.originOf(kind, name) ?? ''
}

/** Names that resolvers take, underscores included, which the `legacy` rule makes. */
function isHostName(host: string): boolean {
  return host.length <= 253 && host.split('.').every(label => /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i.test(label))
}

function attempt(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    return error
  }
}
