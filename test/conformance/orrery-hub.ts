/** Orrery as a person starts it, set up like the reference hub: any name may sign in, and a service may do nearly all. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { issueToken } from '../../src/access/issue-token.ts'
import { grantRole } from '../../src/access/role-grants.ts'
import { silentLogger } from '../../src/core/runtime.ts'
import { scopeDefinitions } from '../../src/core/scopes/definitions.ts'
import type { Db } from '../../src/db/database.ts'
import { openDatabase } from '../../src/db/open-database.ts'
import { putRole } from '../../src/features/roles/store.ts'
import { startOrrery } from '../support/orrery-process.ts'
import { singleUserCommand } from '../support/python-env.ts'
import { TESTER_SCOPES } from '../support/reference-hub.ts'

/** `config`: added to or instead of what is set here. */
export async function startOrreryHub(
  config: Record<string, unknown> = {},
): Promise<{ hubUrl: string; adminToken: string; stop(): Promise<void> }> {
  const orrery = await startOrrery({
    config: {
      authenticator: { kind: 'dummy' },
      access: { allowAll: true, adminUsers: ['boss'] },
      servers: { cmd: singleUserCommand() },
      ...config,
    },
  })
  const written = JSON.parse(readFileSync(join(orrery.dataDir, 'orrery.config.json'), 'utf8')) as {
    hub: { bindUrl: string } // as startOrrery writes it
  }
  const database = await openDatabase(`sqlite:///${orrery.dataDir}/hub/jupyterhub.sqlite`, { log: silentLogger })
  const adminToken = await makeTester(database.db).finally(() => database.close())
  return { hubUrl: written.hub.bindUrl, adminToken, stop: () => orrery.stop() }
}

/** What `services` and `load_roles` of the reference hub's configuration make. */
async function makeTester(db: Db): Promise<string> {
  const service = await db
    .insertInto('services')
    .values({ name: 'tester', admin: false, timeout: 30, from_config: true, display: true, oauth_no_confirm: false })
    .returning('id')
    .executeTakeFirstOrThrow()
  await putRole(db, { name: 'tester', description: '', scopes: TESTER_SCOPES })
  await grantRole(db, { kind: 'service', id: service.id }, 'tester')
  return (await issueToken(db, { service, note: 'from config' }, scopeDefinitions, new Date())).token
}
