/** The properties of a server's unit, systemd.exec(5), systemd.service(5), systemd.resource-control(5). */
import type { ServerKey } from '../../core/server-key.ts'
import type { RunAs } from '../accounts/run-as.ts'
import type { Guarantees } from '../groups/group.ts'
import type { Asked } from '../protocol.ts'
import type { UnitSettings } from './unit-settings.ts'

export interface UnitWishes {
  readonly key: ServerKey
  readonly runAs: RunAs
  readonly limits: Asked<'start'>['limits']
  readonly guarantees: Guarantees
  /** Files that the user may read below `/run/credentials/UNIT` while the unit runs, by their name there. */
  readonly credentials: Readonly<Record<string, string>>
}

export interface UnitFiles {
  /** Socket for the order and the answer. */
  readonly channel: string
  readonly log: string
  /** Command that writes down how the unit ended: it runs with root's rights and outside of what the unit is shut off by. */
  readonly atEnd: readonly string[]
}

const DEFAULT_WEIGHT = 100
const LARGEST_WEIGHT = 10_000

/** `NAME=VALUE`, in systemd's order: a later one stands for a former. Nothing in it is secret: everybody can read it. */
export function unitProperties(wishes: UnitWishes, files: UnitFiles, settings: UnitSettings): string[] {
  const { runAs, limits, guarantees, credentials } = wishes
  const properties: (readonly [string, string])[] = [
    ...userProperties(runAs),
    // Both, for else systemd opens the connection for reading alone. The program joins output and errors.
    ['StandardInput', `file:${files.channel}`],
    ['StandardOutput', `file:${files.channel}`],
    ['StandardError', `append:${files.log}`],
    ['ExecStopPost', `+:${files.atEnd.join(' ')}`],
    // As processes have it that no systemd has started.
    ['IgnoreSIGPIPE', 'no'],
    // When the server has ended, what it started has no more time of its own.
    ['KillMode', 'mixed'],
    ['TimeoutStopSec', '10'],
    // A kernel that met the limit ends alone. (systemd would end the whole server.)
    ['OOMPolicy', 'continue'],
    ['MemoryAccounting', 'yes'],
    ['CPUAccounting', 'yes'],
    ...Object.entries(credentials).map(([name, path]) => ['LoadCredential', `${name}:${path}`] as const),
    ...settings.properties.map(([name, value]) => [name, filledIn(value, runAs)] as const),
    ...limitProperties(limits, guarantees),
  ]
  return properties.map(([name, value]) => `${name}=${value}`)
}

function userProperties(runAs: RunAs): [string, string][] {
  if (runAs.switchUser) {
    return [
      // Numbers: systemd does not take every name that a directory may give a user.
      ['User', String(runAs.uid)],
      ['Group', String(runAs.gid)],
    ]
  }
  return [
    ['DynamicUser', 'yes'],
    ['User', runAs.name],
    ['StateDirectory', runAs.home.replace('/var/lib/', '')],
    ['StateDirectoryMode', '0700'],
  ]
}

function limitProperties(limits: UnitWishes['limits'], guarantees: Guarantees): [string, string][] {
  const found: [string, string][] = []
  if (limits.memoryBytes !== undefined) {
    // Else a server that met its limit would go on in the swap space, slowly, and slow down everybody's disk.
    found.push(['MemoryMax', String(Math.floor(limits.memoryBytes))], ['MemorySwapMax', '0'])
  }
  if (limits.tasks !== undefined) found.push(['TasksMax', String(limits.tasks)])
  if (limits.fileBytes !== undefined) found.push(['LimitFSIZE', String(Math.floor(limits.fileBytes))])
  if (limits.cpus !== undefined) found.push(['CPUQuota', `${Math.max(1, Math.round(limits.cpus * 100))}%`])
  if (guarantees.memoryBytes !== undefined) found.push(['MemoryMin', String(Math.floor(guarantees.memoryBytes))])
  if (guarantees.cpus !== undefined) found.push(['CPUWeight', String(weightOf(guarantees.cpus))])
  return found
}

/** A share of what there is, not a promise: one core is what a server without a guarantee has. */
function weightOf(cpus: number): number {
  return Math.min(LARGEST_WEIGHT, Math.max(1, Math.round(cpus * DEFAULT_WEIGHT)))
}

/** Names of Linux users hold no space, see linux-user.ts. */
function filledIn(value: string, { name }: RunAs): string {
  return value.replaceAll('{username}', () => name)
}
