/** Internal TLS with what the config says about servers; undefined when it is off. */
import type { Config } from '../../config/schema.ts'
import type { Logger } from '../../core/runtime.ts'
import { wrongAnswer } from '../../core/site-function.ts'
import type { Subdomains } from '../../core/subdomains.ts'
import { alternativeName } from '../../pki/internal/alternative-name.ts'
import type { HubTls } from '../../pki/internal/hub-tls.ts'
import type { UserRecord } from '../../plugin/spawner.ts'
import type { ServicesTls } from '../../services/services-tls.ts'
import type { TlsOfServers } from '../../spawning/context.ts'
import { pkiSettings, thisMachine } from '../internal-tls.ts'

export interface InternalTls {
  readonly hub: HubTls
  readonly servers: TlsOfServers
  readonly services: ServicesTls
}

export async function makeInternalTls(
  config: Config,
  { log, subdomains }: { log: Logger; subdomains: Subdomains | undefined },
): Promise<InternalTls | undefined> {
  const settings = pkiSettings(config)
  if (!settings) return undefined
  const [{ preparePki }, { openHubTls }] = await Promise.all([
    import('../../pki/internal/change-pki.ts'),
    import('../../pki/internal/hub-tls.ts'),
  ])
  for (const change of await preparePki(settings)) log.info(change, 'internal tls changed')
  const hub = openHubTls(settings)
  const { trustedAltNames, serverAltNames, serverAltNamesIncludeLocal } = config.internalTls
  return {
    hub,
    servers: {
      connectTo: hub.toServer,
      async issue({ key, user, ip }) {
        const local = [...thisMachine(), ...(ip ? [alternativeName(ip)] : [])]
        const host = subdomains?.domainOf('user', key.user)
        const names = [
          ...(serverAltNamesIncludeLocal ? local : []),
          ...(await namesFor(serverAltNames ?? trustedAltNames, user, key.server)),
          ...(host === undefined ? [] : [alternativeName(host)]),
        ]
        return hub.forServer(key, [...new Set(names)])
      },
    },
    services: {
      folder: settings.folder,
      connect: () => hub.toServices,
      issue: name => hub.forService(name, [...new Set([...thisMachine(), ...trustedAltNames])]),
    },
  }
}

type Names = NonNullable<Config['internalTls']['serverAltNames']>

async function namesFor(given: Names, user: UserRecord, server: string): Promise<readonly string[]> {
  if (typeof given !== 'function') return given
  const names: unknown = await given(user, server)
  if (!Array.isArray(names) || !names.every(name => typeof name === 'string' && name !== '')) {
    throw wrongAnswer('internalTls.serverAltNames', 'a list of names such as DNS:node1.internal')
  }
  return names.map(alternativeName)
}
