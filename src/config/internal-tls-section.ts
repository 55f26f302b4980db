/** TLS between hub, proxy, servers and services, with certificates that the hub makes: JupyterHub's `internal_ssl`. */
import { isIP } from 'node:net'
import { z } from 'zod'
import { alternativeName } from '../pki/internal/alternative-name.ts'
import { AUTHORITIES } from '../pki/internal/authorities.ts'
import { functionOf, type OfServer } from './functions.ts'
import { option, section } from './option.ts'

/** `DNS:hub.internal`, `IP:10.0.0.5`, or the bare name. */
const altName = z
  .string()
  .transform(alternativeName)
  .refine(isAlternativeName, { error: 'expected a name of a host such as DNS:hub.internal or IP:10.0.0.5' })

const absolutePath = z.string().startsWith('/', { error: 'expected an absolute path' })

export const internalTlsSection = section({
  enabled: option(
    z.boolean().default(false),
    'Let hub, proxy, servers and services speak TLS with each other, each of them with a certificate that the hub makes.',
    true,
  ),
  folder: option(
    z.string().min(1).optional(),
    'Folder of the authorities and certificates; that of a JupyterHub can be taken over.',
    '/srv/orrery/internal-tls',
    { computed: 'internal-tls beside the database, in the data folder', isPath: true },
  ),
  trustedAltNames: option(
    z.array(altName).default([]),
    'More names of hosts for the certificates of hub, proxy and servers, where they are reached at others than those of the config.',
    ['DNS:hub.internal', 'IP:10.0.0.5'],
  ),
  serverAltNames: option(
    z.union([z.array(altName), functionOf<OfServer<readonly string[]>>()]).optional(),
    'Those of servers, or a function of user and server name.',
    ['DNS:node1.internal'],
    { computed: 'trustedAltNames' },
  ),
  serverAltNamesIncludeLocal: option(
    z.boolean().default(true),
    'Names of this machine stand in the certificates of servers too.',
    false,
  ),
  authorities: option(
    z
      .partialRecord(
        z.enum(AUTHORITIES),
        z.strictObject({ cert: absolutePath, key: absolutePath.optional(), ca: absolutePath.optional() }),
      )
      .default({}),
    'Files of authorities that somebody else looks after, in the place of ours; without a key it is trusted and signs nothing.',
    { 'proxy-client-ca': { cert: '/etc/traefik/ca.crt' } },
  ),
})

export type InternalTlsConfig = z.output<typeof internalTlsSection>

function isAlternativeName(name: string): boolean {
  const value = name.slice(name.indexOf(':') + 1)
  return name.startsWith('IP:') ? isIP(value) !== 0 : /^(\*\.)?[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$/.test(value)
}
