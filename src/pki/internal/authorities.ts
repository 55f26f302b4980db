/**
 * The authorities of internal TLS, under the names that JupyterHub's `internal_ssl` gives them, and who trusts whom.
 * Each part has an authority of its own, so that a server's certificate does not pass for the hub's or the proxy's.
 */
export const AUTHORITIES = ['hub-ca', 'proxy-api-ca', 'proxy-client-ca', 'notebooks-ca', 'services-ca'] as const

export type AuthorityName = (typeof AUTHORITIES)[number]

/**
 * Whose certificates the holders of one authority's certificates accept, as servers and as clients. JupyterHub also lets
 * servers and services connect to the proxy's API; nothing but the hub has business there.
 */
export const TRUST: Readonly<Record<AuthorityName, readonly AuthorityName[]>> = {
  'hub-ca': AUTHORITIES,
  'proxy-api-ca': ['hub-ca'],
  'proxy-client-ca': ['hub-ca', 'notebooks-ca', 'services-ca'],
  'notebooks-ca': ['hub-ca', 'proxy-client-ca'],
  'services-ca': ['hub-ca', 'proxy-client-ca'],
}

/** What one connection of the hub accepts at its other end: less than all that the hub trusts. */
export const HUB_PEERS = {
  clients: ['hub-ca', 'proxy-client-ca', 'notebooks-ca', 'services-ca'],
  proxy: ['proxy-api-ca'],
  servers: ['notebooks-ca'],
  services: ['services-ca'],
} as const satisfies Record<string, readonly AuthorityName[]>

export type Usage = 'server' | 'client'

/** The parts that have one certificate each, with JupyterHub's names for its files. */
export const COMPONENTS = {
  hub: { name: 'hub-internal', authority: 'hub-ca', usages: ['server', 'client'] },
  proxyApi: { name: 'proxy-api', authority: 'proxy-api-ca', usages: ['server'] },
  proxyClient: { name: 'proxy-client', authority: 'proxy-client-ca', usages: ['client'] },
} as const satisfies Record<string, { name: string; authority: AuthorityName; usages: readonly Usage[] }>

export type ComponentName = keyof typeof COMPONENTS
