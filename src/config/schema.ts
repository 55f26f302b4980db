/** Every option of Orrery, each declared once: type, default, one sentence, an example. */
import { z } from 'zod'
import { accessSection } from './access-section.ts'
import { authStateSection } from './auth-state-section.ts'
import { authenticatorOption } from './authenticators.ts'
import { findConflicts } from './conflicts.ts'
import { cookiesSection } from './cookies-section.ts'
import { cullerSection } from './culler-section.ts'
import { headerRecord } from './headers-option.ts'
import { hooksSection } from './hooks-section.ts'
import { internalTlsSection } from './internal-tls-section.ts'
import { eventsSection, metricsSection } from './observability-sections.ts'
import { option, section } from './option.ts'
import { pagesSection } from './pages-section.ts'
import { proxySection } from './proxy-section.ts'
import { customScopeRecord } from './scopes-section.ts'
import { serversSection } from './servers-section.ts'
import { groupRecord, roleList, serviceList } from './services-section.ts'
import { signInSection } from './sign-in-section.ts'
import { spawnerOption } from './spawners.ts'
import { subdomainOptions } from './subdomains-options.ts'
import { duration, httpUrl, pathPrefix, secretText } from './values.ts'

const hub = section({
  bindUrl: option(
    httpUrl.default('http://127.0.0.1:8081'),
    'Where the hub listens for the proxy and for servers.',
    'http://10.0.0.5:8081',
  ),
  routespec: option(
    z
      .string()
      .regex(/^[\w\-./~]+$/, { error: 'expected a path such as /hub/' })
      .transform(text => `/${text}/`.replace(/\/+/g, '/'))
      .optional(),
    'Path from which the proxy leads requests to the hub, baseUrl included; with a narrower one somebody else must answer for stopped servers.',
    '/hub/',
    { computed: 'baseUrl; / with subdomainHost' },
  ),
  connectUrl: option(httpUrl.optional(), 'Where the proxy and the servers reach the hub.', 'http://hub.internal:8081', {
    computed: 'hub.bindUrl, with 127.0.0.1 for every address',
  }),
})

const api = section({
  pageDefaultLimit: option(
    z.int().min(1).default(50),
    'How many entries a page of the REST API has when a client that asks for pages names no number.',
    100,
  ),
  pageMaxLimit: option(
    z.int().min(1).default(200),
    'How many entries a list or a page of the REST API has at most.',
    1000,
  ),
})

const tokens = section({
  maxExpiresIn: option(duration.default(0), 'Longest life of a token that people ask for; 0 for any.', '90d'),
})

const oauth = section({
  requirePkce: option(z.boolean().default(false), 'Refuse applications that sign in without PKCE.', true),
  tokenExpiresIn: option(duration.optional(), 'Life of the tokens that servers and applications get.', '1d', {
    computed: 'cookieMaxAgeDays',
  }),
})

const activity = section({
  resolution: option(duration.default(30), 'Smallest step in which the last activity is stored.', '30s'),
  interval: option(duration.default(300), 'Time between two questions to the proxy for activity.', '5m'),
})

const log = section({
  level: option(
    z.enum(['debug', 'info', 'warn', 'error']).default('info'),
    'The least important lines that are written.',
    'debug',
  ),
})

const everyOption = z.strictObject({
  baseUrl: option(pathPrefix.default('/'), 'Path below which everything lies.', '/jupyter/'),
  bindUrl: option(
    httpUrl.default('http://127.0.0.1:8000'),
    'Where people reach Orrery: the address the proxy listens on.',
    'http://0.0.0.0:8000',
  ),
  publicUrl: option(
    httpUrl.optional(),
    'The address that people type, when something stands in front of the proxy.',
    'https://jupyter.example.org/',
    {
      computed: 'subdomainHost or bindUrl, and baseUrl',
    },
  ),
  ...subdomainOptions,
  dataDir: option(z.string().min(1).optional(), 'Folder for everything that Orrery keeps.', '/srv/orrery', {
    computed: '/var/lib/orrery for root, else ~/.local/share/orrery',
    isPath: true,
  }),
  dbUrl: option(
    z.string().refine(isDbUrl, { error: 'expected sqlite:////path or postgresql://user@host/name' }).optional(),
    'The database.',
    'postgresql://orrery@db.internal/orrery',
    {
      computed: 'jupyterhub.sqlite in the data folder',
    },
  ),
  cookieSecretFile: option(
    z.string().min(1).optional(),
    'File with the key that signs cookies: 64 hexadecimal digits.',
    '/etc/orrery/cookie-secret',
    {
      computed: 'jupyterhub_cookie_secret in the data folder',
      isPath: true,
    },
  ),
  cookieSecret: option(
    secretText.refine(text => /^[0-9a-fA-F]{64}$/.test(text), { error: 'expected 64 hexadecimal digits' }).optional(),
    'That key itself, in place of the file.',
    { env: 'JPY_COOKIE_SECRET' },
    { secret: true, computed: 'what cookieSecretFile holds' },
  ),
  cookies: cookiesSection,
  cookieMaxAgeDays: option(z.number().positive().default(14), 'For how many days one stays signed in.', 1),
  authenticator: option(authenticatorOption.prefault({ kind: 'own-accounts' }), 'How people prove who they are.', {
    kind: 'pam',
    service: 'login',
  }),
  access: accessSection,
  authState: authStateSection,
  spawner: option(spawnerOption.prefault({ kind: 'local' }), 'Where servers run.', { kind: 'local' }),
  servers: serversSection,
  culler: cullerSection,
  services: option(
    serviceList.optional(),
    'Programs that use the REST API or that people open below /services/NAME/.',
    [{ name: 'culler', command: ['python3', '-m', 'jupyterhub_idle_culler', '--timeout=3600'] }],
    { computed: 'those that the database has' },
  ),
  roles: option(
    roleList.optional(),
    'Roles, their scopes and who holds them, besides and in place of the default ones.',
    [{ name: 'culler', scopes: ['list:users', 'read:users:activity', 'delete:servers'], services: ['culler'] }],
    { computed: 'those that the database has' },
  ),
  customScopes: option(
    customScopeRecord.default({}),
    'Scopes for the services and servers of the site; the hub hands them out and tells people of them, and no more.',
    { 'custom:reports:read': { description: 'Read reports', subscopes: [] } },
  ),
  extraUserScopes: option(
    z.array(z.string().min(1)).default([]),
    'Scopes of the role `user` besides `self`; without effect where `roles` gives that role its scopes.',
    ['list:users', 'read:users:name'],
  ),
  groups: option(groupRecord.default({}), 'Groups that are made or added to at the start.', {
    physics: { users: ['ada'], properties: { memory: '4G' } },
  }),
  hub,
  proxy: proxySection,
  internalTls: internalTlsSection,
  signIn: signInSection,
  pages: pagesSection,
  api,
  hooks: hooksSection,
  tokens,
  oauth,
  activity,
  metrics: metricsSection,
  events: eventsSection,
  log,
  headers: option(
    headerRecord.default({}),
    'Headers of every answer of the hub. Of Content-Security-Policy, each directive replaces that of the hub and the others stay.',
    { 'Content-Security-Policy': "frame-ancestors 'self' https://lms.example.org" },
  ),
  forwardedHostHeader: option(
    z
      .string()
      .regex(/^[A-Za-z0-9-]*$/, { error: 'expected the name of a header' })
      .default(''),
    'Header in which a proxy in front names the host that people typed, in place of Host and X-Forwarded-Host.',
    'X-Original-Host',
  ),
  trustedDownstreamIps: option(
    z.array(z.string().min(1)).default([]),
    'Addresses of proxies in front of Orrery whose X-Forwarded headers count.',
    ['10.0.0.1'],
  ),
})

export const configSchema = everyOption.superRefine(findConflicts)

/** What stands in a config file: everything may be left out. */
export type ConfigInput = z.input<typeof configSchema>
/** Checked, with defaults; what depends on the machine is still open. */
export type CheckedConfig = z.output<typeof configSchema>

/** What the program runs with. Durations are numbers of seconds, sizes numbers of bytes, paths absolute. */
export type Config = Complete<CheckedConfig, 'publicUrl' | 'dataDir' | 'dbUrl' | 'cookieSecretFile'> & {
  readonly hub: Complete<CheckedConfig['hub'], 'connectUrl'>
  readonly internalTls: Complete<CheckedConfig['internalTls'], 'folder'>
  readonly access: Complete<CheckedConfig['access'], 'allowExistingUsers'>
  readonly oauth: Complete<CheckedConfig['oauth'], 'tokenExpiresIn'>
}

type Complete<T, Keys extends keyof T> = T & { [Key in Keys]-?: NonNullable<T[Key]> }

/** Types the object of a config file; gives it back as it is. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config
}

function isDbUrl(text: string): boolean {
  return /^(sqlite:\/\/(\/.*)?$|postgres(ql)?(\+\w+)?:\/\/.)/.test(text)
}
