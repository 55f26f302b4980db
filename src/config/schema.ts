/** Every option of Orrery, each declared once: type, default, one sentence, an example. */
import { z } from 'zod'
import type { MaybePromise } from '../core/runtime.ts'
import type { UserRecord } from '../plugin/spawner.ts'
import { authStateSection } from './auth-state-section.ts'
import { authenticatorOption } from './authenticators.ts'
import { findConflicts } from './conflicts.ts'
import { cookiesSection } from './cookies-section.ts'
import { cullerSection } from './culler-section.ts'
import { functionOf } from './functions.ts'
import { headerRecord } from './headers-option.ts'
import { hooksSection } from './hooks-section.ts'
import { eventsSection, metricsSection } from './observability-sections.ts'
import { option, section } from './option.ts'
import { customScopeRecord } from './scopes-section.ts'
import { serversSection } from './servers-section.ts'
import { groupRecord, roleList, serviceList } from './services-section.ts'
import { spawnerOption } from './spawners.ts'
import { subdomainOptions } from './subdomains-options.ts'
import { duration, httpUrl, nameList, pathPrefix, secretText } from './values.ts'

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

const access = section({
  allowedUsers: option(nameList.default([]), 'Names that may sign in.', ['ada', 'grace']),
  blockedUsers: option(nameList.default([]), 'Names that may not, whatever else allows them.', ['mallory']),
  adminUsers: option(nameList.default([]), 'Names that may sign in and are administrators.', ['ada']),
  allowAll: option(z.boolean().default(false), 'Everybody who proves who they are may sign in.', true),
  allowExistingUsers: option(z.boolean().optional(), 'Users that the database knows already may sign in.', true, {
    computed: 'true when allowedUsers is not empty',
  }),
  allowedGroups: option(nameList.default([]), 'Members of these groups may sign in; with PAM, groups of Linux too.', [
    'physics',
  ]),
  adminGroups: option(
    nameList.default([]),
    'Members of these groups may sign in and are administrators; with PAM, groups of Linux too.',
    ['wheel'],
  ),
  manageGroups: option(
    z.boolean().default(false),
    'Groups of users are those that the authenticator tells, and `groups` of the config is not used.',
    true,
  ),
  manageRoles: option(
    z.boolean().default(false),
    'Roles of users are those that the authenticator tells; `roles` of the config may not give any to users or groups.',
    true,
  ),
  resetManagedRolesOnStartup: option(
    z.boolean().default(false),
    'At the start, roles and grants by the authenticator that it does not name then are removed.',
    true,
  ),
  deleteInvalidUsers: option(
    z.boolean().default(false),
    'At the start, users whom the authenticator does not take any more (no such Linux account) are deleted.',
    true,
  ),
  usernameMap: option(z.record(z.string(), z.string()).default({}), 'Names that are changed at sign-in, old to new.', {
    'ada.l': 'ada',
  }),
  usernamePattern: option(
    z.string().refine(isPattern, { error: 'expected a regular expression' }).default(''),
    'Regular expression that a whole name must match.',
    '[a-z][a-z0-9]*',
  ),
})

const proxy = section({
  apiUrl: option(
    httpUrl.default('http://127.0.0.1:8001'),
    "Where the proxy's own API listens.",
    'http://10.0.0.6:8001',
  ),
  authToken: option(
    secretText.optional(),
    "Token for the proxy's API.",
    { file: '/etc/orrery/proxy-token' },
    {
      secret: true,
      computed: 'made once, kept as proxy_auth_token in the data folder',
    },
  ),
  external: option(z.boolean().default(false), 'The proxy is started by somebody else.', true),
  command: option(
    z.array(z.string().min(1)).min(1).optional(),
    'Another program with the command line of configurable-http-proxy.',
    ['configurable-http-proxy'],
    {
      computed: "Orrery's own proxy",
    },
  ),
})

const signIn = section({
  autoLogin: option(
    z.boolean().default(false),
    'The login page leads straight to the provider, where the authenticator has one.',
    true,
  ),
  autoLoginOauth2Authorize: option(
    z.boolean().default(false),
    'The same, only for people whom a server or an application sends to sign in.',
    true,
  ),
  logoutRedirectUrl: option(
    z.string().refine(isLink, { error: 'expected a path or an http(s) URL' }).optional(),
    'Where signing out leads, for example the sign-out page of the provider.',
    'https://login.example.org/logout',
    { computed: 'the login page, or a page that says good-bye' },
  ),
  customHtml: option(
    z.union([z.string(), functionOf<(hubUrl: string) => string>()]).default(''),
    'A login form of your own, as HTML with the variables of the template `login.html`; a function is given the path of the hub.',
    '<form action="{{ authenticator_login_url }}" method="post"><input type="hidden" name="_xsrf" value="{{ xsrf }}"> ...</form>',
  ),
  requestOtp: option(z.boolean().default(false), 'The login form asks for a one-time code, in the field `otp`.', true),
  otpPrompt: option(z.string().default('One-time code'), 'What the login form calls that code.', 'Code of your key'),
  refreshAge: option(
    duration.default(300),
    'For how long what the authenticator has told of a user is good; then it looks again, if it can. 0 for ever.',
    '10m',
  ),
  refreshStrict: option(
    z.boolean().default(false),
    'Where that has expired, refuse also API tokens, and starts by others, until the user signs in again.',
    true,
  ),
  refreshPreSpawn: option(
    z.boolean().default(false),
    'The authenticator looks again before each start of a server.',
    true,
  ),
  refreshPreStop: option(
    z.boolean().default(false),
    'The authenticator looks again before each stop of a server.',
    true,
  ),
  failures: option(z.int().min(1).default(5), 'Failed tries for one name before it must wait.', 10),
  addressFailures: option(
    z.int().min(1).default(100),
    'The same for one address, with whatever names. A whole class may share one.',
    30,
  ),
  tokenFailures: option(
    z.int().min(1).default(100),
    'Different wrong API tokens of one address before it must wait.',
    20,
  ),
  codeFailures: option(
    z.int().min(1).default(20),
    'Different wrong share codes of one person, or ten times as many from one address, before they must wait.',
    5,
  ),
  window: option(duration.default(600), 'For how long a failed try counts.', '10m'),
  lock: option(duration.default(300), 'How long one must wait after too many failed tries.', '15m'),
})

const pages = section({
  defaultUrl: option(
    z.union([z.string(), functionOf<(user: UserRecord | undefined) => MaybePromise<string | undefined>>()]).default(''),
    'Where people arrive at `/hub/` and after signing in, baseUrl included; a function is given the user, undefined for nobody; empty for `redirectToServer`.',
    '/hub/home',
  ),
  redirectToServer: option(
    z.boolean().default(true),
    'Signing in leads to the own server, which starts when it does not run; false: to the home page.',
    false,
  ),
  siteName: option(z.string().min(1).max(60).default('Orrery'), 'Name that pages show.', 'Physics Jupyter'),
  accentColour: option(
    z
      .string()
      .regex(/^#[0-9a-fA-F]{6}$/, { error: 'expected a colour such as #4f46e5' })
      .default('#4f46e5'),
    'Colour of buttons and links.',
    '#00695c',
  ),
  logoFile: option(z.string().optional(), 'Picture in the head of every page.', '/etc/orrery/logo.svg', {
    computed: "Orrery's own",
    isPath: true,
  }),
  templatePaths: option(
    z.array(z.string()).default([]),
    'Folders of templates that replace those of Orrery.',
    ['/etc/orrery/templates'],
    {
      isPath: true,
    },
  ),
  templateVars: option(z.record(z.string(), z.unknown()).default({}), 'Variables for the templates.', {
    phone: '2222',
  }),
  loginTermUrl: option(
    z.string().refine(isLink, { error: 'expected a path or an http(s) URL' }).optional(),
    'Terms that everybody must accept on the login form.',
    'https://example.org/terms',
    { computed: 'no terms' },
  ),
  announcement: option(z.string().default(''), 'HTML on top of every page.', 'Maintenance on Friday at 18:00.'),
  footer: option(z.string().default(''), 'HTML below every page.', '<a href="/imprint">Imprint</a>'),
  announcements: option(
    z.partialRecord(z.enum(['login', 'home', 'spawn', 'token', 'logout']), z.string()).default({}),
    'HTML on top of single pages, in place of the common one.',
    { login: 'Use your library card.' },
  ),
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
  access,
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
  proxy,
  signIn,
  pages,
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
  readonly access: Complete<CheckedConfig['access'], 'allowExistingUsers'>
  readonly oauth: Complete<CheckedConfig['oauth'], 'tokenExpiresIn'>
}

type Complete<T, Keys extends keyof T> = T & { [Key in Keys]-?: NonNullable<T[Key]> }

/** Types the object of a config file; gives it back as it is. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config
}

function isPattern(text: string): boolean {
  try {
    new RegExp(text)
    return true
  } catch {
    return false
  }
}

function isLink(text: string): boolean {
  const url = URL.parse(text, 'http://localhost')
  return text !== '' && url !== null && ['http:', 'https:'].includes(url.protocol)
}

function isDbUrl(text: string): boolean {
  return /^(sqlite:\/\/(\/.*)?$|postgres(ql)?(\+\w+)?:\/\/.)/.test(text)
}
