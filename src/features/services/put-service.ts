/** Writes a service with its address, its OAuth client and its token, and takes it away with all of them. */
import { issueToken } from '../../access/issue-token.ts'
import { ensureOauthClient, removeOauthClient } from '../../access/oauth-clients.ts'
import { assignDefaultRoles } from '../../access/role-grants.ts'
import { verifyToken } from '../../access/token-format.ts'
import { servicePath } from '../../core/names.ts'
import type { Json } from '../../core/runtime.ts'
import { scopeDefinitions } from '../../core/scopes/definitions.ts'
import { type SiteAddresses, serviceUrl } from '../../core/subdomains.ts'
import type { Db } from '../../db/database.ts'

/** What a service is said to be. A `command` makes it a managed one, which the hub runs itself. */
export interface ServiceSpec {
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

export interface StoredService {
  readonly id: number
  readonly oauthClientId: string
}

/** Notes that JupyterHub puts beside the two kinds of tokens. */
const GIVEN = 'from config'
export const GENERATED_NOTE = 'generated at startup'

export interface PutContext extends SiteAddresses {
  readonly now: Date
  /** Of the config, or made at run time: the one never touches the other. */
  readonly fromConfig: boolean
  /** Absent: it is new. */
  readonly existingId?: number | undefined
}

/** Throws HubError of `issueToken` for a token that cannot be taken; `tx` is a transaction. */
export async function putService(tx: Db, service: ServiceSpec, context: PutContext): Promise<StoredService> {
  const id = await putRow(tx, service, context)
  await putAddress(tx, id, service, context.baseUrl)
  const oauthClientId = await putOauthClient(tx, id, service, context)
  await putToken(tx, id, service, context)
  return { id, oauthClientId }
}

/** Takes a service away with its tokens, its OAuth client and its address. */
export async function removeService(tx: Db, id: number): Promise<void> {
  const { serverId, clientId } = await tx
    .selectFrom('services')
    .select(['_server_id as serverId', 'oauth_client_id as clientId'])
    .where('id', '=', id)
    .executeTakeFirstOrThrow()
  if (clientId !== null) await removeOauthClient(tx, clientId)
  await tx.deleteFrom('services').where('id', '=', id).execute()
  if (serverId !== null) await tx.deleteFrom('servers').where('id', '=', serverId).execute()
}

async function putRow(tx: Db, service: ServiceSpec, { fromConfig, existingId }: PutContext): Promise<number> {
  const { name, admin } = service
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
    from_config: fromConfig,
  }
  const { id } =
    existingId === undefined
      ? await tx
          .insertInto('services')
          .values({ name, ...values })
          .returning('id')
          .executeTakeFirstOrThrow()
      : await tx
          .updateTable('services')
          .set(values)
          .where('id', '=', existingId)
          .returning('id')
          .executeTakeFirstOrThrow()
  await assignDefaultRoles(tx, { kind: 'service', id, admin, isNew: existingId === undefined })
  return id
}

async function putAddress(tx: Db, id: number, service: ServiceSpec, baseUrl: string): Promise<void> {
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
function addressOf(service: ServiceSpec, text: string, baseUrl: string) {
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

function clientIdOf(service: ServiceSpec): string {
  return service.oauthClientId ?? `service-${service.name}`
}

/** Only what has an address, or says something of OAuth, signs people in. */
async function putOauthClient(tx: Db, id: number, service: ServiceSpec, site: SiteAddresses): Promise<string> {
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
    redirectUri: service.oauthRedirectUri ?? `${serviceUrl(service.name, site)}oauth_callback`,
    allowedScopes: [
      ...new Set([...service.oauthClientAllowedScopes, `access:services!service=${service.name}`]),
    ].sort(),
    description: `JupyterHub service ${service.name}`,
  })
  await tx.updateTable('services').set({ oauth_client_id: identifier }).where('id', '=', id).execute()
  return identifier
}

/** The service holds the token it is given and none that it was given before. */
async function putToken(tx: Db, id: number, service: ServiceSpec, { now }: PutContext) {
  const { apiToken } = service
  const former = await tx
    .selectFrom('api_tokens')
    .select(['id', 'hashed', 'note'])
    .where('service_id', '=', id)
    .where('note', 'in', [GIVEN, GENERATED_NOTE])
    .execute()
  const isKept = (token: (typeof former)[number]) =>
    apiToken === undefined
      ? token.note === GENERATED_NOTE && service.command !== undefined
      : verifyToken(token.hashed, apiToken)
  const kept = former.filter(isKept)
  const stale = former.filter(token => !kept.includes(token)).map(token => token.id)
  if (stale.length > 0) await tx.deleteFrom('api_tokens').where('id', 'in', stale).execute()
  if (apiToken === undefined || kept.length > 0) return
  await issueToken(tx, { service: { id }, token: apiToken, note: GIVEN }, scopeDefinitions, now)
}
