/** Brings the services of the config into the database when the hub starts, as JupyterHub's `init_services`. */
import { issueToken } from '../../access/issue-token.ts'
import { ensureOauthClient, removeOauthClient, setClientSecret } from '../../access/oauth-clients.ts'
import { assignDefaultRoles } from '../../access/role-grants.ts'
import { verifyToken } from '../../access/token-format.ts'
import { HubError } from '../../core/errors.ts'
import { joinUrlPath, printable, servicePath } from '../../core/names.ts'
import type { Clock, Json, Logger } from '../../core/runtime.ts'
import { scopeDefinitions } from '../../core/scopes/definitions.ts'
import { configuredNames, rememberConfiguredNames } from '../../db/configured-names.ts'
import type { Database, Db } from '../../db/database.ts'

/** A service of the config. A `command` makes it a managed one, which the hub runs itself. */
export interface ConfiguredService {
  readonly name: string
  readonly url?: string | undefined
  readonly command?: readonly string[] | undefined
  readonly cwd?: string | undefined
  readonly user?: string | undefined
  readonly apiToken?: string | undefined
  readonly admin: boolean
  readonly display: boolean
  readonly info: Readonly<Record<string, Json>>
  readonly oauthClientId?: string | undefined
  readonly oauthRedirectUri?: string | undefined
  readonly oauthNoConfirm: boolean
  readonly oauthClientAllowedScopes: readonly string[]
  /** Seconds that it may take to answer. */
  readonly timeout: number
}

/** A service as it came into the database, with what its process needs to know. */
export interface ReadyService<Configured extends ConfiguredService = ConfiguredService> {
  readonly service: Configured
  readonly id: number
  /** Given in the config; a managed one without is given one by `renewServiceToken` when it is started. */
  readonly apiToken: string | undefined
  readonly oauthClientId: string
}

/** Notes that JupyterHub puts beside the two kinds of tokens. */
const GIVEN = 'from config'
const GENERATED = 'generated at startup'

export interface ConfiguredServicesDeps {
  readonly database: Pick<Database, 'db'>
  readonly baseUrl: string
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Makes and changes what is configured, and removes services of the config that are not in it any more. A service that
 * was made at run time keeps its name. Without `configured` only those vanish that a former config of Orrery had.
 * Throws HubError `config_invalid` for a token that is somebody else's.
 */
export async function applyConfiguredServices<Configured extends ConfiguredService>(
  { database, baseUrl, clock, log }: ConfiguredServicesDeps,
  configured: readonly Configured[] | undefined,
): Promise<ReadyService<Configured>[]> {
  return database.db.transaction().execute(async tx => {
    await removeServices(tx, configured, log)
    const ready: ReadyService<Configured>[] = []
    for (const service of configured ?? []) {
      const id = await putService(tx, service, log)
      if (id === undefined) continue
      await putAddress(tx, id, service, baseUrl)
      const oauthClientId = await putOauthClient(tx, id, service, baseUrl)
      await putTokens(tx, id, service, clock.now())
      ready.push({ service, id, apiToken: service.apiToken, oauthClientId })
    }
    await rememberConfiguredNames(
      tx,
      'services',
      ready.map(({ service }) => service.name),
    )
    return ready
  })
}

async function removeServices(tx: Db, configured: readonly ConfiguredService[] | undefined, log: Logger) {
  const former = await tx
    .selectFrom('services')
    .select(['id', 'name', '_server_id as serverId', 'oauth_client_id as clientId'])
    .where('from_config', '=', true)
    .execute()
  const ours = configured ? undefined : await configuredNames(tx, 'services')
  for (const { id, name, serverId, clientId } of former) {
    if (configured?.some(service => service.name === name) || (ours && !ours.includes(name))) continue
    if (clientId !== null) await removeOauthClient(tx, clientId)
    await tx.deleteFrom('services').where('id', '=', id).execute()
    if (serverId !== null) await tx.deleteFrom('servers').where('id', '=', serverId).execute()
    log.info({ service: name }, 'service removed, it is no longer configured')
  }
}

/** Its id; undefined where the name is that of a service made at run time. */
async function putService(tx: Db, service: ConfiguredService, log: Logger): Promise<number | undefined> {
  const { name, admin } = service
  const existing = await tx
    .selectFrom('services')
    .select(['id', 'from_config as fromConfig'])
    .where('name', '=', name)
    .executeTakeFirst()
  if (existing && !existing.fromConfig) {
    log.error({ service: name }, 'service of the config left out, one of this name was made at run time')
    return undefined
  }
  // The environment is not stored: it may hold secrets, and nobody but the process needs it.
  const values = {
    admin,
    url: service.url ?? null,
    command: service.command ? JSON.stringify(service.command) : null,
    cwd: service.cwd ?? null,
    environment: null,
    user: service.user ?? null,
    info: JSON.stringify(service.info),
    display: service.display,
    timeout: Math.round(service.timeout),
    oauth_no_confirm: service.oauthNoConfirm,
    oauth_client_allowed_scopes: JSON.stringify(service.oauthClientAllowedScopes),
    from_config: true,
  }
  const { id } = existing
    ? await tx
        .updateTable('services')
        .set(values)
        .where('id', '=', existing.id)
        .returning('id')
        .executeTakeFirstOrThrow()
    : await tx
        .insertInto('services')
        .values({ name, ...values })
        .returning('id')
        .executeTakeFirstOrThrow()
  await assignDefaultRoles(tx, { kind: 'service', id, admin, isNew: !existing })
  if (!existing) log.info({ service: name, managed: service.command !== undefined }, 'service of the config made')
  return id
}

async function putAddress(tx: Db, id: number, service: ConfiguredService, baseUrl: string): Promise<void> {
  const { serverId } = await tx
    .selectFrom('services')
    .select('_server_id as serverId')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  if (serverId !== null) await tx.deleteFrom('servers').where('id', '=', serverId).execute()
  const address = service.url === undefined ? undefined : addressOf(service, service.url, baseUrl)
  const made = address && (await tx.insertInto('servers').values(address).returning('id').executeTakeFirstOrThrow())
  await tx
    .updateTable('services')
    .set({ _server_id: made?.id ?? null })
    .where('id', '=', id)
    .execute()
}

/** Only scheme, host and port count, as in JupyterHub: the whole path below the prefix is handed on. */
function addressOf(service: ConfiguredService, text: string, baseUrl: string) {
  const url = new URL(text)
  const proto = url.protocol.slice(0, -1)
  return {
    proto,
    ip: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (proto === 'https' ? 443 : 80) : Number(url.port),
    cookie_name: clientIdOf(service),
    base_url: servicePath(service.name, baseUrl),
  }
}

function clientIdOf(service: ConfiguredService): string {
  return service.oauthClientId ?? `service-${service.name}`
}

/** Only what has an address, or says something of OAuth, signs people in. */
async function putOauthClient(tx: Db, id: number, service: ConfiguredService, baseUrl: string): Promise<string> {
  const identifier = clientIdOf(service)
  const available =
    service.url !== undefined ||
    service.oauthClientId !== undefined ||
    service.oauthRedirectUri !== undefined ||
    service.oauthNoConfirm
  const { former } = await tx
    .selectFrom('services')
    .select('oauth_client_id as former')
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  if (former !== null && (!available || former !== identifier)) await removeOauthClient(tx, former)
  if (!available) return identifier
  await ensureOauthClient(tx, {
    identifier,
    // A hub that runs a managed service may have given it its secret.
    secret: service.apiToken ?? (service.command ? undefined : ''),
    redirectUri: service.oauthRedirectUri ?? joinUrlPath(servicePath(service.name, baseUrl), 'oauth_callback'),
    allowedScopes: [
      ...new Set([...service.oauthClientAllowedScopes, `access:services!service=${service.name}`]),
    ].sort(),
    description: `JupyterHub service ${service.name}`,
  })
  await tx.updateTable('services').set({ oauth_client_id: identifier }).where('id', '=', id).execute()
  return identifier
}

/** The service holds the token of the config and none that another config gave it. */
async function putTokens(tx: Db, id: number, service: ConfiguredService, now: Date): Promise<void> {
  const { apiToken } = service
  const former = await tx
    .selectFrom('api_tokens')
    .select(['id', 'hashed', 'note'])
    .where('service_id', '=', id)
    .where('note', 'in', [GIVEN, GENERATED])
    .execute()
  const isKept = (token: (typeof former)[number]) =>
    apiToken === undefined
      ? token.note === GENERATED && service.command !== undefined
      : verifyToken(token.hashed, apiToken)
  const kept = former.filter(isKept)
  const stale = former.filter(token => !kept.includes(token)).map(token => token.id)
  if (stale.length > 0) await tx.deleteFrom('api_tokens').where('id', 'in', stale).execute()
  if (apiToken === undefined || kept.length > 0) return
  await issueToken(tx, { service: { id }, token: apiToken, note: GIVEN }, scopeDefinitions, now).catch(cause => {
    if ((cause as { code?: unknown }).code !== 'token_taken') throw cause
    throw new HubError('config_invalid', {
      status: 500,
      message: `services: the apiToken of ${printable(service.name)} belongs to somebody else already.`,
      nextStep: 'Give the service a token of its own: openssl rand -hex 32.',
      cause,
    })
  })
}

/**
 * A new token for a managed service without one in the config, also the secret of its OAuth client. The one it had
 * before is worth nothing any more; JupyterHub keeps all of them.
 */
export async function renewServiceToken(
  { database, clock }: Pick<ConfiguredServicesDeps, 'database' | 'clock'>,
  { id, oauthClientId }: { id: number; oauthClientId: string },
): Promise<string> {
  return database.db.transaction().execute(async tx => {
    await tx.deleteFrom('api_tokens').where('service_id', '=', id).where('note', '=', GENERATED).execute()
    const { token } = await issueToken(tx, { service: { id }, note: GENERATED }, scopeDefinitions, clock.now())
    await setClientSecret(tx, oauthClientId, token)
    return token
  })
}
