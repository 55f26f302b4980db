import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'
import { readCgroup } from '../cgroup-files.ts'
import { defineCheck, type Outcome, ok, type Site, warning } from '../check.ts'
import { readMounts } from '../mounts.ts'

const WANTED = ['cpu', 'memory', 'pids'] as const

export const cgroupsCheck = defineCheck({
  id: 'cgroups',
  title: 'Control groups',
  items: {
    version: 'Which control groups the kernel has: what limits of servers are kept with, and use is measured by.',
    controllers: 'Memory, processor and number of processes can be limited with them.',
  },
  async run(site) {
    const { spawner } = site.config
    if (!('kind' in spawner) || spawner.kind === 'sudo') return [] // servers run elsewhere, or in no groups of their own
    const mounts = readMounts()
    const unified = mounts.find(({ type }) => type === 'cgroup2')
    const former = mounts.filter(({ type }) => type === 'cgroup')
    const ofFormer = former.flatMap(({ options }) => options.split(','))
    const found = [...(unified ? (readCgroup(unified.folder, 'cgroup.controllers') ?? '').split(' ') : []), ...ofFormer]
    const version = unified && former.length === 0 ? 'v2' : unified ? 'v1 and v2' : former.length > 0 ? 'v1' : 'none'
    if (version === 'none') return [none(site)]
    return [
      ok('version', `The kernel has control groups, ${version}.`, { version }),
      controllers(found, isWritable(unified?.folder ?? former[0]!.folder), site),
    ]
  },
})

function none(site: Site): Outcome<'version'> {
  const message = 'This system has no control groups: limits of memory and processor are not kept exactly.'
  if (!hasLimits(site)) return ok('version', `${message} The config sets none.`, { version: 'none' })
  return warning('version', message, 'In a container, mount /sys/fs/cgroup; else start the machine with systemd.', {
    version: 'none',
  })
}

function controllers(found: readonly string[], writable: boolean, site: Site): Outcome<'controllers'> {
  const missing = WANTED.filter(name => !found.includes(name))
  const details = { found: WANTED.filter(name => found.includes(name)), writable }
  if (missing.length > 0 && hasLimits(site)) {
    return warning(
      'controllers',
      `Not to be limited here: ${missing.join(', ')}.`,
      'In a unit set Delegate=yes; in a container run it with its own control groups.',
      details,
    )
  }
  if (!writable && site.isRoot && hasLimits(site)) {
    return warning(
      'controllers',
      'Control groups are mounted for reading alone, so servers get none of their own.',
      'In a container mount /sys/fs/cgroup for writing, or run it privileged.',
      details,
    )
  }
  return ok(
    'controllers',
    missing.length === 0
      ? 'Memory, processor and processes can be limited.'
      : `Missing: ${missing.join(', ')}; the config sets no limits.`,
    details,
  )
}

function hasLimits({ config: { servers } }: Site): boolean {
  return servers.memLimit !== undefined || servers.cpuLimit !== undefined
}

function isWritable(folder: string): boolean {
  try {
    accessSync(join(folder), constants.W_OK)
    return true
  } catch {
    return false
  }
}
