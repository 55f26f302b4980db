/** One control group for each server: made before its program begins, looked after while it runs, removed when it is empty. */
import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isRoot, type LauncherOptions } from '../options.ts'
import { Refusal } from '../refusal.ts'
import * as cgroup1 from './cgroup1.ts'
import * as cgroup2 from './cgroup2.ts'
import { type Group, type Guarantees, killGroup, type Limits, removeGroup } from './group.ts'
import { foldersIn, removeFolder } from './group-files.ts'
import { findGroupsPlace, type GroupsPlace } from './groups-place.ts'

export interface ServerGroups {
  /** Undefined: the system leaves no groups to this launcher. */
  readonly place: GroupsPlace | undefined
  /** In the place of what is left of an earlier one of that server. Throws Refusal `limits_not_set`. */
  make(digest: string, limits: Limits, guarantees: Guarantees): Promise<Group | undefined>
  /** Digests of the servers that have a group. */
  digests(): string[]
  groupOf(digest: string): Group | undefined
  /** Removes what is empty, at the end of the launcher. */
  close(): void
}

/** What was killed gives its memory back a moment later. */
const EMPTY_WITHIN_MS = 10_000
const LOOK_EVERY_MS = 20
const PREFIX = 'server-'

type Options = Pick<LauncherOptions, 'stateDir' | 'controlGroups' | 'log'>

export function serverGroups(options: Options): ServerGroups {
  const { log } = options
  const place = options.controlGroups === 'auto' ? open(options) : undefined
  const names = () => (place ? foldersIn(place.bases[0]!).filter(name => name.startsWith(PREFIX)) : [])
  const groupOf = (digest: string) => place?.groupAt(`${PREFIX}${digest}`)

  return {
    place,
    async make(digest, limits, guarantees) {
      const group = groupOf(digest)
      if (!group) return undefined
      try {
        await setUp(group, limits, guarantees)
      } catch (error) {
        log.error({ err: error, group }, 'limits cannot be set')
        throw limitsNotSet()
      }
      return group
    },
    digests: () => names().map(name => name.slice(PREFIX.length)),
    groupOf,
    close() {
      if (!place) return
      for (const name of names()) removeGroup(place.groupAt(name))
      for (const base of place.bases) removeFolder(base)
    },
  }
}

export function limitsNotSet(): Refusal {
  return new Refusal(
    'limits_not_set',
    'The limits of the server could not be set.',
    'An administrator can look into the log of the launcher.',
  )
}

async function setUp(group: Group, limits: Limits, guarantees: Guarantees): Promise<void> {
  for (const until = Date.now() + EMPTY_WITHIN_MS; ; ) {
    try {
      return apply(group, limits, guarantees)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EBUSY' || Date.now() >= until) throw error
      // Version 1 sets no limit below what is in use: by jobs that have outlived an earlier run of the server.
      killGroup(group)
      await sleep(LOOK_EVERY_MS)
    }
  }
}

function apply(group: Group, limits: Limits, guarantees: Guarantees): void {
  if (group.kind === 'cgroup2') cgroup2.make(group.folder, limits, guarantees)
  else cgroup1.make(group, limits, guarantees)
}

function open({ stateDir, log }: Options): GroupsPlace | undefined {
  // Several launchers of one machine have groups of their own, each the same ones always.
  const name = `orrery-${createHash('sha256').update(resolve(stateDir)).digest('hex').slice(0, 8)}`
  try {
    const place = findGroupsPlace(name, isRoot())
    if (place) log.info({ kind: place.kind, folder: place.bases[0], ...place.holds }, 'servers get control groups')
    return place
  } catch (error) {
    log.warn({ err: error, group: name }, 'control groups cannot be used')
    return undefined
  }
}
