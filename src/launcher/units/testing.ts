/** Units of a test's own, on a machine that runs systemd. */
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import type { Json } from '../../core/runtime.ts'
import { isRoot } from '../options.ts'
import { hasSystemd, showUnit } from './systemd-tools.ts'
import type { UnitSettings } from './unit-settings.ts'

export interface TestUnits {
  readonly settings: UnitSettings
  /** Units that are loaded still, failed ones too. */
  remains(): Promise<string[]>
  /** What the kernel holds the unit of this state to. */
  limitsOf(state: Json): Promise<{ memoryBytes?: number; cpus?: number }>
}

export const skipWithoutSystemd: string | false =
  isRoot() && hasSystemd()
    ? false
    : 'needs root on a machine that runs systemd: test/integration/systemd.test.ts has one'

/** A common default of the kernel's for one period. */
const PERIOD = 100_000

export function unitsForTests(properties: [string, string][] = []): TestUnits {
  const prefix = `t${randomBytes(3).toString('hex')}`
  return {
    settings: { name: `${prefix}-{username}-{servername}`, slice: 'orrery-test.slice', properties },
    async remains() {
      const flags = ['list-units', '--all', '--plain', '--no-legend', `${prefix}-*`]
      const lines = execFileSync('systemctl', flags, { encoding: 'utf8' }).split('\n')
      return lines.filter(line => line.trim() !== '')
    },
    async limitsOf(state) {
      const { unit_name: unit } = state as { unit_name: string } // what the spawner has stored
      const { ControlGroup: group } = await showUnit(`${unit}.service`, 'ControlGroup')
      const memory = readFirst(
        `/sys/fs/cgroup${group}/memory.max`,
        `/sys/fs/cgroup/memory${group}/memory.limit_in_bytes`,
      )
      const [quota, period = PERIOD] = readFirst(
        `/sys/fs/cgroup${group}/cpu.max`,
        `/sys/fs/cgroup/cpu${group}/cpu.cfs_quota_us`,
      ).split(' ')
      return { memoryBytes: Number(memory), cpus: Number(quota) / Number(period) }
    },
  }
}

/** As a user without rights sees it. */
export function isReadableByNobody(path: string): boolean {
  if (!existsSync(path)) throw new Error(`${path} is not there`)
  const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', '--']
  return spawnSync('setpriv', [...nobody, 'test', '-r', path]).status === 0
}

function readFirst(...paths: string[]): string {
  const path = paths.find(existsSync)
  if (path === undefined) throw new Error(`none of ${paths.join(', ')} is there`)
  return readFileSync(path, 'utf8').trim()
}
