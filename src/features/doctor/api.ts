/** `POST /hub/api/orrery/doctor` runs the checks, `GET` shows what the last run has found. */
import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import type { Access } from '../../access/access.ts'
import { scoped } from '../../access/endpoint.ts'
import { getIdentity, may } from '../../access/guards.ts'
import { HubError } from '../../core/errors.ts'
import type { Logger } from '../../core/runtime.ts'
import * as operations from './operations.ts'
import type { Report } from './report.ts'

export interface DoctorDeps {
  readonly access: Access
  readonly log: Logger
  /** Takes seconds and work; called once at a time. */
  examine(): Promise<Report>
}

export function doctorApi({ access, log, examine }: DoctorDeps): FastifyPluginAsync {
  let last: Report | undefined
  let running: Promise<Report> | undefined

  async function run(by: string): Promise<Report> {
    const report = await examine()
    log.info({ by, ...report.counts }, 'checks run')
    last = report
    return report
  }

  /** Findings name files and addresses: for those who see the administration. */
  async function administrator(request: FastifyRequest): Promise<string> {
    const identity = await getIdentity(access, request)
    if (await may(access, identity, 'admin-ui')) return identity.name
    const message = 'Action is not authorized with current scopes; requires any of [admin-ui]'
    throw new HubError('scope_missing', { status: 403, message })
  }

  return async server => {
    server.get('/hub/api/orrery/doctor', scoped(access, operations.showReport), async (request, reply) => {
      await administrator(request)
      return reply.type('application/json').send(JSON.stringify(last ?? null))
    })

    server.post('/hub/api/orrery/doctor', scoped(access, operations.examine), async request => {
      const by = await administrator(request)
      running ??= run(by).finally(() => {
        running = undefined
      })
      return running
    })
  }
}
