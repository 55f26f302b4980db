/** `orrery pki`: the certificates of internal TLS, looked at and changed while hub and proxy run. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Argument, Command } from 'commander'
import { pkiSettings, thisMachine } from '../app/internal-tls.ts'
import { loadConfig } from '../config/load-config.ts'
import { HubError } from '../core/errors.ts'
import { alternativeName } from '../pki/internal/alternative-name.ts'
import { AUTHORITIES, type AuthorityName } from '../pki/internal/authorities.ts'
import {
  type PkiChange,
  type PkiSettings,
  preparePki,
  renewComponents,
  retireFormer,
  rotateAuthorities,
} from '../pki/internal/change-pki.ts'
import { issueFor } from '../pki/internal/issue.ts'
import { lastRotation, listCertificates } from '../pki/internal/list-certificates.ts'
// Loaded before this process becomes the hub's user, who cannot look into a clone in /root.
import '../pki/internal/make-certificate.ts'
import { becomeOwnerOf } from './become-owner.ts'
import { type ConfigFlags, configSources, withConfigFlags } from './config-flags.ts'
import { serversStartedBefore } from './servers-started-before.ts'

interface PkiFlags extends ConfigFlags {
  readonly json?: boolean
  readonly force?: boolean
  readonly altName?: string[]
  readonly out?: string
}

export function pkiCommand(): Command {
  const command = new Command('pki').description('look after the certificates of internal TLS')
  const authorities = () => new Argument('[authorities...]', 'default: all').choices([...AUTHORITIES])
  withConfigFlags(command.command('list'))
    .description('print all authorities and certificates and how long they are good for')
    .option('--json', 'print a list of objects')
    .action(list)
  withConfigFlags(command.command('prepare'))
    .description('make what is missing and renew what runs out, as every start does')
    .action(async flags => tell(await changing(flags, preparePki)))
  withConfigFlags(command.command('renew'))
    .description('make new certificates for hub and proxy, which take them without a restart')
    .action(async flags => tell(await changing(flags, renewComponents)))
  withConfigFlags(command.command('rotate'))
    .description('make new authorities; the former ones stay trusted, so running servers go on')
    .addArgument(authorities())
    .action(async (names, flags) => tell(await changing(flags, pki => rotateAuthorities(pki, allOr(names)))))
  withConfigFlags(command.command('retire'))
    .description('trust former authorities no longer, once everything was started anew')
    .addArgument(authorities())
    .option('--force', 'even if servers run that were started before; they cannot be reached then')
    .action(retire)
  withConfigFlags(command.command('issue'))
    .description(
      'make a certificate for a service that somebody else starts, or for a program that asks the hub directly',
    )
    .argument('<name>', 'common name')
    .option(
      '--alt-name <name>',
      'name or address it is reached at; repeatable (default: those of this machine)',
      collect,
    )
    .requiredOption('--out <folder>', 'new folder for server.key, server.crt and ca.crt')
    .action(issue)
  return command
}

async function list(flags: PkiFlags): Promise<void> {
  const certificates = listCertificates(await settingsOf(flags))
  if (flags.json) return console.log(JSON.stringify(certificates, undefined, 2))
  for (const { kind, name, notAfter, names, fingerprint } of certificates) {
    console.log(
      `${kind.padEnd(11)}  ${name.padEnd(16)}  until ${notAfter.toISOString().slice(0, 10)}  ${fingerprint.slice(0, 23)}`,
    )
    if (names.length > 0) console.log(`${' '.repeat(13)}${names.join(', ')}`)
  }
}

async function retire(names: AuthorityName[], flags: PkiFlags): Promise<void> {
  const rotated = lastRotation(listCertificates(await settingsOf(flags)))
  const left = rotated && !flags.force ? await serversStartedBefore(rotated, flags) : []
  if (left.length > 0) {
    throw new HubError('pki_servers_left', {
      status: 409,
      message: `${left.length} servers were started before the authorities were exchanged: ${left.slice(0, 10).join(', ')}${left.length > 10 ? ' ...' : ''}.`,
      nextStep: 'Restart them first, or add --force: then they cannot be reached any more.',
    })
  }
  tell(await changing(flags, pki => retireFormer(pki, allOr(names))))
}

async function issue(name: string, flags: PkiFlags): Promise<void> {
  const names = (flags.altName ?? thisMachine()).map(alternativeName)
  const holder = { authority: 'services-ca', commonName: name, names } as const
  // Read only: root may write where it is told to, and nothing in the folder of the hub.
  const { key, cert, ca } = await issueFor(await settingsOf(flags), holder, { exchange: false })
  const folder = flags.out!
  mkdirSync(folder, { mode: 0o700 })
  for (const [file, text] of Object.entries({ 'server.key': key, 'server.crt': cert, 'ca.crt': ca })) {
    writeFileSync(join(folder, file), text, { mode: 0o600, flag: 'wx' })
  }
  console.log(`Wrote server.key, server.crt and ca.crt to ${folder}.`)
}

async function changing(flags: PkiFlags, change: (pki: PkiSettings) => Promise<PkiChange[]>): Promise<PkiChange[]> {
  const settings = await settingsOf(flags)
  becomeOwnerOf(settings.folder)
  return change(settings)
}

async function settingsOf(flags: PkiFlags): Promise<PkiSettings> {
  const settings = pkiSettings(await loadConfig(configSources(flags)))
  if (settings) return settings
  throw new HubError('internal_tls_off', {
    status: 400,
    message: 'Internal TLS is off in this config.',
    nextStep: 'Set internalTls.enabled, or name another config with --config.',
  })
}

function tell(changes: readonly PkiChange[]): void {
  if (changes.length === 0) console.log('Nothing had to be changed.')
  for (const { done, name } of changes) console.log(`${done} ${name}`)
  if (changes.some(({ done }) => done === 'replaced')) {
    console.log(
      'The former authorities, made by JupyterHub, may not vouch for the new ones: restart all servers and services now.',
    )
  }
}

function allOr(names: readonly AuthorityName[]): readonly AuthorityName[] {
  return names.length > 0 ? names : AUTHORITIES
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value]
}
