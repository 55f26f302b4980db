/** Brings the services of the config into the database when the hub starts, as JupyterHub's `init_services`. */
import { issueToken } from '../../access/issue-token.ts'
import { setClientSecret } from '../../access/oauth-clients.ts'
import { HubError } from '../../core/errors.ts'
import { printable } from '../../core/names.ts'
import type { Clock, Logger } from '../../core/runtime.ts'
import { scopeDefinitions } from '../../core/scopes/definitions.ts'
import type { SiteAddresses } from '../../core/subdomains.ts'
import { configuredNames, rememberConfiguredNames } from '../../db/configured-names.ts'
import type { Database, Db } from '../../db/database.ts'
import { GENERATED_NOTE, type PutContext, putService, removeService, type ServiceSpec } from './put-service.ts'

/** A service as it came into the database, with what its process needs to know. */
export interface ReadyService<Configured extends ServiceSpec = ServiceSpec> {
  readonly service: Configured
  readonly id: number
  /** Given in the config; a managed one without is given one by `renewServiceToken` when it is started. */
  readonly apiToken: string | undefined
  readonly oauthClientId: string
}

export interface ConfiguredServicesDeps extends SiteAddresses {
  readonly database: Pick<Database, 'db'>
  readonly clock: Clock
  readonly log: Logger
}

/**
 * Makes and changes what is configured, and removes services of the config that are not in it any more. A service that
 * was made at run time keeps its name. Without `configured` only those vanish that a former config of Orrery had.
 * Throws HubError `config_invalid` for a token that is somebody else's.
 */
export async function applyConfiguredServices<Configured extends ServiceSpec>(
  { database, baseUrl, subdomains, clock, log }: ConfiguredServicesDeps,
  configured: readonly Configured[] | undefined,
): Promise<ReadyService<Configured>[]> {
  return database.db.transaction().execute(async tx => {
    await removeFormer(tx, configured, log)
    const ready: ReadyService<Configured>[] = []
    for (const service of configured ?? []) {
      const { name, apiToken } = service
      const existing = await tx
        .selectFrom('services')
        .select(['id', 'from_config as fromConfig'])
        .where('name', '=', name)
        .executeTakeFirst()
      if (existing && !existing.fromConfig) {
        log.error({ service: name }, 'service of the config left out, one of this name was made at run time')
        continue
      }
      const stored = await putConfigured(tx, service, {
        baseUrl,
        subdomains,
        now: clock.now(),
        fromConfig: true,
        existingId: existing?.id,
      })
      if (!existing) log.info({ service: name, managed: service.command !== undefined }, 'service of the config made')
      ready.push({ service, apiToken, ...stored })
    }
    await rememberConfiguredNames(
      tx,
      'services',
      ready.map(({ service }) => service.name),
    )
    return ready
  })
}

async function removeFormer(tx: Db, configured: readonly ServiceSpec[] | undefined, log: Logger): Promise<void> {
  const former = await tx.selectFrom('services').select(['id', 'name']).where('from_config', '=', true).execute()
  const ours = configured ? undefined : await configuredNames(tx, 'services')
  for (const { id, name } of former) {
    if (configured?.some(service => service.name === name) || (ours && !ours.includes(name))) continue
    await removeService(tx, id)
    log.info({ service: name }, 'service removed, it is no longer configured')
  }
}

async function putConfigured(tx: Db, service: ServiceSpec, context: PutContext) {
  return putService(tx, service, context).catch(cause => {
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
    await tx.deleteFrom('api_tokens').where('service_id', '=', id).where('note', '=', GENERATED_NOTE).execute()
    const { token } = await issueToken(tx, { service: { id }, note: GENERATED_NOTE }, scopeDefinitions, clock.now())
    await setClientSecret(tx, oauthClientId, token)
    return token
  })
}
