/** What goes when users are stopped or deleted; shown before anything is done. */
import type { Server, User } from '../../api/types.ts'
import { isActive, serversOf } from './server-phase.ts'

export interface Losses {
  /** Servers that run, start or stop. */
  readonly running: readonly ServerOf[]
  /** Servers with names, running or not: their settings go with their user. */
  readonly named: readonly ServerOf[]
  readonly admins: readonly string[]
}

export interface ServerOf {
  readonly user: string
  readonly server: Server
}

export function lossesOf(users: readonly User[]): Losses {
  const servers = users.flatMap(user =>
    serversOf(user).flatMap(({ server }) => (server ? [{ user: user.name, server }] : [])),
  )
  return {
    running: servers.filter(({ server }) => isActive(server)),
    named: servers.filter(({ server }) => server.name !== ''),
    admins: users.filter(user => user.admin).map(user => user.name),
  }
}
