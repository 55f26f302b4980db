/** Services that are made and removed while the hub runs, as JupyterHub's REST API does it. */
import type { Access } from '../../access/access.ts'
import type { Identity } from '../../access/identity.ts'
import { HubError } from '../../core/errors.ts'
import { isValidServiceName, printable } from '../../core/names.ts'
import type { Clock, Logger } from '../../core/runtime.ts'
import { defaultRoles } from '../../core/scopes/default-roles.ts'
import { expandScopes, unknownScopes } from '../../core/scopes/expand.ts'
import { intersectScopes, usersInFilters } from '../../core/scopes/intersect.ts'
import { parseScopes, unparseScopes } from '../../core/scopes/parse.ts'
import type { SiteAddresses } from '../../core/subdomains.ts'
import type { Database } from '../../db/database.ts'
import { putService, removeService, type ServiceSpec } from './put-service.ts'
import type { NewService } from './schemas.ts'

export interface RunTimeServicesDeps extends SiteAddresses {
  readonly database: Pick<Database, 'db'>
  readonly access: Pick<Access, 'scopeDefinitions' | 'membershipOf'>
  readonly clock: Clock
  readonly log: Logger
}

/** JupyterHub's time for a service to answer, in seconds. */
const ANSWER_SECONDS = 30

/**
 * Makes a service that somebody else runs. Throws HubError: 409 `service_exists`, 400 `service_invalid` (its name,
 * OAuth without an address, a client id in use), `service_managed` (a command is for the config), `scope_unknown`,
 * `scope_not_held` (nobody makes a service that may do more than they), and those of a token that cannot be taken.
 */
export async function addService(
  { database, access, baseUrl, subdomains, clock, log }: RunTimeServicesDeps,
  by: Identity,
  name: string,
  body: NewService,
): Promise<void> {
  if (body.command.length > 0) {
    throw new HubError('service_managed', {
      status: 400,
      message: `Can not create managed service ${printable(name)} at runtime`,
    })
  }
  await checkScopes(access, by, body)
  const spec = specOf(name, body)
  await database.db.transaction().execute(async tx => {
    const named = await tx.selectFrom('services').select('id').where('name', '=', name).executeTakeFirst()
    if (named) {
      throw new HubError('service_exists', { status: 409, message: `Service ${printable(name)} already exists` })
    }
    const clientId = spec.oauthClientId ?? `service-${name}`
    const client = await tx
      .selectFrom('oauth_clients')
      .select('id')
      .where('identifier', '=', clientId)
      .executeTakeFirst()
    if (client) throw invalid(`oauth_client_id: ${printable(clientId)} is in use`)
    await putService(tx, spec, { baseUrl, subdomains, now: clock.now(), fromConfig: false })
  })
  log.info({ by: by.name, service: name, url: spec.url, admin: spec.admin }, 'service made')
}

/** Throws HubError: 404 `no_such_service`, 405 `service_of_config`. */
export async function deleteService({ database, log }: RunTimeServicesDeps, by: Identity, name: string): Promise<void> {
  await database.db.transaction().execute(async tx => {
    const found = await tx
      .selectFrom('services')
      .select(['id', 'from_config as fromConfig'])
      .where('name', '=', name)
      .executeTakeFirst()
    if (!found) {
      throw new HubError('no_such_service', { status: 404, message: `Service ${printable(name)} does not exist` })
    }
    if (found.fromConfig) {
      throw new HubError('service_of_config', {
        status: 405,
        message: `Service ${printable(name)} is not modifiable at runtime`,
        nextStep: 'Take it out of the config and restart the hub.',
        headers: { allow: 'GET, HEAD' },
      })
    }
    await removeService(tx, found.id)
  })
  log.info({ by: by.name, service: name }, 'service removed')
}

async function checkScopes(access: RunTimeServicesDeps['access'], by: Identity, body: NewService): Promise<void> {
  const definitions = access.scopeDefinitions
  const unknown = unknownScopes(body.oauth_client_allowed_scopes, definitions)
  if (unknown.length > 0) {
    throw new HubError('scope_unknown', { status: 400, message: `Scope '${printable(unknown[0]!)}' does not exist` }) // not empty
  }
  const adminScopes = body.admin ? defaultRoles.find(({ name }) => name === 'admin')!.scopes : [] // one of the defaults
  const owner = by.kind === 'user' ? { user: by.name } : { service: by.name }
  const wanted = expandScopes([...adminScopes, ...body.oauth_client_allowed_scopes], owner, definitions)
  if (wanted.size === 0) return
  const held = unparseScopes(by.scopes)
  const membership = await access.membershipOf(usersInFilters(parseScopes(new Set([...wanted, ...held]))))
  const granted = intersectScopes(wanted, held, membership)
  const excess = [...wanted].filter(scope => !granted.has(scope))
  if (excess.length === 0) return
  throw new HubError('scope_not_held', {
    status: 400,
    message: `Not assigning requested scopes ${excess.sort().join(',')} not held by ${by.name}`,
  })
}

function specOf(name: string, body: NewService): ServiceSpec {
  if (!isValidServiceName(name)) throw invalid('name: no slash, percent sign, blanks at the ends, dots alone')
  const usesOauth = body.oauth_client_id !== undefined || body.oauth_no_confirm
  if (usesOauth && body.url === undefined && body.oauth_redirect_uri === undefined) {
    throw invalid('oauth_redirect_uri: expected one where there is no url')
  }
  return {
    name,
    url: body.url,
    cwd: body.cwd,
    user: body.user,
    apiToken: body.api_token,
    admin: body.admin,
    display: body.display,
    info: body.info,
    oauthClientId: body.oauth_client_id,
    oauthRedirectUri: body.oauth_redirect_uri,
    oauthNoConfirm: body.oauth_no_confirm,
    oauthClientAllowedScopes: body.oauth_client_allowed_scopes,
    timeout: ANSWER_SECONDS,
  }
}

function invalid(message: string): HubError {
  return new HubError('service_invalid', { status: 400, message })
}
