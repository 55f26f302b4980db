import type { ServerKey } from '../core/server-key.ts'
import { findLinuxUser } from './accounts/linux-user.ts'
import type { RunAs } from './accounts/run-as.ts'
import { isRoot, type LauncherOptions } from './options.ts'
import { Refusal } from './refusal.ts'

/** A managed service that runs as a user of its own. Whoever starts the launcher says all of it; the hub names it only. */
export interface LaunchedService {
  readonly name: string
  /** Linux user. */
  readonly user: string
  /** Program as an absolute path, and its arguments. */
  readonly command: readonly string[]
  /** Absent: the user's home, or `/` where that cannot be entered. */
  readonly cwd?: string | undefined
  /** Guarded environment names that its configuration sets. */
  readonly environmentNames: readonly string[]
}

/** Where records and logs of a service stand among those of servers: no user's name holds a slash. */
export function serviceKey(name: string): ServerKey {
  return { user: `/services/${name}`, server: '' }
}

export function isServiceKey({ user }: ServerKey): boolean {
  return user.startsWith('/services/')
}

/** Throws Refusal `service_refused` for one that this launcher was not told of. */
export function findLaunchedService(name: string, { services }: Pick<LauncherOptions, 'services'>): LaunchedService {
  const service = services.find(each => each.name === name)
  if (service) return service
  throw new Refusal(
    'service_refused',
    `The launcher was not told to run the service ${JSON.stringify(name.slice(0, 80))}.`,
    'Restart Orrery after a change of the services in the config.',
  )
}

/** A user of the system without a shell is fine here, since the configuration names it; root is not. */
export async function serviceUser(service: LaunchedService, options: Pick<LauncherOptions, 'shells'>): Promise<RunAs> {
  if (!isRoot()) throw new Refusal('service_refused', 'Only a launcher of root runs services as other users.')
  const user = await findLinuxUser(service.user, options)
  if (!user) {
    throw new Refusal(
      'linux_user_missing',
      `There is no Linux user ${service.user} on this machine, as whom the service ${service.name} is to run.`,
      'An administrator can add it: useradd --system.',
    )
  }
  if (user.uid === 0 || user.gid === 0) {
    throw new Refusal('root_refused', `The service ${service.name} is not started as root.`, 'Let systemd start it.')
  }
  return { ...user, switchUser: true }
}
