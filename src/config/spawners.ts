/** Where servers run, as it is written in a config. `app/` makes the spawner out of it. */
import { z } from 'zod'
import { DEFAULT_HELPER } from '../launcher/helper-file.ts'
import { faultOfProperty, sliceName, unitNameTemplate } from '../launcher/units/unit-settings.ts'
import type { Spawner } from '../plugin/spawner.ts'
import { option } from './option.ts'

const accountPrefix = (what: string) =>
  option(
    z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,14}$/)
      .default('jupyter-'),
    what,
    'class-',
  )

/** Absolute; systemd takes `-` before a path that may be missing. */
const unitPath = z.string().regex(/^-?\/[^\s:]*$/, 'expected an absolute path without spaces and colons')

export const localOptions = z.strictObject({
  kind: z.literal('local'),
  accounts: option(
    z.enum(['auto', 'linux', 'made']).default('auto'),
    'As which Linux user a server runs, when Orrery was started as root: `linux` the one of that name, `made` one made for the account; `auto` is `linux` with PAM, else `made`.',
    'made',
  ),
  accountPrefix: accountPrefix('What the name of a made Linux user starts with.'),
})

export const systemdOptions = z.strictObject({
  kind: z.literal('systemd'),
  accounts: option(
    z.enum(['auto', 'linux', 'made', 'dynamic']).default('auto'),
    'As which Linux user a server runs: `linux` the one of that name, `made` one made for the account, `dynamic` one that systemd makes up while servers of the account run; `auto` is `linux` with PAM, else `made`.',
    'dynamic',
  ),
  accountPrefix: accountPrefix('What the name of a made or made up Linux user starts with.'),
  slice: option(
    sliceName.default('orrery-servers.slice'),
    'Slice of the units; systemd can limit all of it.',
    'class.slice',
  ),
  unitName: option(
    unitNameTemplate.default('jupyter-{username}-{servername}'),
    'Names of the units, without `.service`; the names in it are escaped as systemd-escape does it.',
    'lab-{username}-{servername}',
  ),
  privateTmp: option(z.boolean().default(false), 'Each server has temporary folders of its own (PrivateTmp).', true),
  privateDevices: option(
    z.boolean().default(false),
    'Servers see no devices but /dev/null and the like (PrivateDevices).',
    true,
  ),
  noNewPrivileges: option(
    z.boolean().default(true),
    'Nothing in a server gains rights, by sudo for example (NoNewPrivileges).',
    false,
  ),
  readonlyPaths: option(
    z.array(unitPath).default([]),
    'Folders and files that servers can read at most (ReadOnlyPaths); `{username}` is the Linux user, and `-` stands before what may be missing.',
    ['/', '/srv/data'],
  ),
  readwritePaths: option(z.array(unitPath).default([]), 'What is excepted from readonlyPaths (ReadWritePaths).', [
    '/home/{username}',
  ]),
  properties: option(
    z
      .record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]))
      .superRefine(refusePropertiesOfOurs)
      .default({}),
    'Further properties of the units (systemd.exec, systemd.resource-control), each a value or a list; `{username}` is the Linux user.',
    { IOWeight: 50, InaccessiblePaths: ['/srv/secret'] },
  ),
})

function refusePropertiesOfOurs(properties: Record<string, unknown>, context: z.RefinementCtx): void {
  for (const [name, value] of Object.entries(properties)) {
    const fault = [value].flat().map(one => faultOfProperty(name, String(one)))[0]
    if (fault !== undefined) context.addIssue({ code: 'custom', path: [name], message: fault, input: value })
  }
}

export const sudoOptions = z.strictObject({
  kind: z.literal('sudo'),
  helper: option(
    z
      .string()
      .regex(/^\/[\w./+@-]+$/, { error: 'expected an absolute path without blanks' })
      .default(DEFAULT_HELPER),
    'The program that sudo starts as the user of a server; `orrery install-sudo-helper` puts it there.',
    '/opt/orrery/sudo-helper',
  ),
  preparedStarts: option(
    z.int().min(0).max(1000).default(20),
    'For how many people at a time a process waits that has imported what their server needs, before they start it; none where little memory is free.',
    0,
  ),
})

export const describedSpawner = z.discriminatedUnion('kind', [localOptions, systemdOptions, sudoOptions])

export const spawnerOption = z.union([
  z.custom<Spawner>(isSpawner, { error: 'expected local(), systemd(), sudo() or a Spawner' }),
  describedSpawner,
])

export type DescribedSpawner = z.output<typeof describedSpawner>

/** Servers are processes on this machine, started by the launcher. The default. */
export function local(options: Omit<z.input<typeof localOptions>, 'kind'> = {}): z.input<typeof localOptions> {
  return { kind: 'local', ...options }
}

/** Servers are units of systemd on this machine, started by the launcher as root. */
export function systemd(options: Omit<z.input<typeof systemdOptions>, 'kind'> = {}): z.input<typeof systemdOptions> {
  return { kind: 'systemd', ...options }
}

/** Servers are processes on this machine, started through sudo by a hub without privileges, as the Linux user of the same name. */
export function sudo(options: Omit<z.input<typeof sudoOptions>, 'kind'> = {}): z.input<typeof sudoOptions> {
  return { kind: 'sudo', ...options }
}

function isSpawner(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || 'kind' in value) return false
  return ['start', 'stop', 'poll'].every(name => typeof (value as Record<string, unknown>)[name] === 'function')
}
