import { HubError } from '../core/errors.ts'
import type { LauncherClient } from '../launcher/client.ts'

type Configured = { name: string; command?: readonly string[] | undefined; user?: string | undefined }

/** Managed services that the configuration gives another Linux user than the hub's; the launcher is to run them. */
export function servicesOfOtherUsers<Service extends Configured>(
  services: readonly Service[],
  hubUser: string,
): (Service & { command: readonly string[]; user: string })[] {
  return services.filter(
    (service): service is Service & { command: readonly string[]; user: string } =>
      service.command !== undefined && service.user !== undefined && service.user !== hubUser,
  )
}

/**
 * Names of the services that the launcher runs, which is asked only where there may be any. Throws HubError `service_user_refused` for one that it was not told
 * of: it is told by `orrery start`, and only root can become another user.
 */
export async function launchedServices(
  services: readonly Configured[],
  hubUser: string,
  launcher: () => Promise<LauncherClient>,
): Promise<ReadonlySet<string>> {
  const wanted = servicesOfOtherUsers(services, hubUser)
  if (wanted.length === 0) return new Set()
  const { services: known } = await (await launcher()).call('hello', {})
  const refused = wanted.find(({ name }) => !known.includes(name))
  if (!refused) return new Set(wanted.map(({ name }) => name))
  throw new HubError('service_user_refused', {
    status: 500,
    message: `The service ${refused.name} is to run as ${refused.user}, but the hub runs as ${hubUser} and its launcher may not start it.`,
    nextStep: 'Start Orrery as root, leave out the user, or let systemd start the service and leave out its command.',
  })
}
