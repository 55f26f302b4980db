/** A running Orrery, programs in front of it, and what `orrery doctor` finds of them. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readConfig } from '../../src/config/load-config.ts'
import type { Outcome } from '../../src/doctor/check.ts'
import { frontCheck } from '../../src/doctor/checks/front.ts'
import { findSite } from '../../src/doctor/find-site.ts'
import { connectionFault } from '../../src/doctor/tcp.ts'
import { type OrreryProcess, startOrrery } from './orrery-process.ts'
import { until } from './until.ts'

export interface DoctoredFront extends AsyncDisposable {
  readonly orrery: OrreryProcess
  /** Where programs in front have to lead. */
  readonly port: string
  /** For their files. */
  readonly dir: string
  /** Returns when it listens on all these ports. */
  start(command: readonly string[], ports: readonly number[], env?: Record<string, string>): Promise<void>
  foundAt(publicUrl: string, idleSeconds?: number): Promise<readonly Outcome[]>
}

export async function doctoredFront(): Promise<DoctoredFront> {
  execFileSync(join(import.meta.dirname, '../testbed/front.sh'), { stdio: ['ignore', 'ignore', 'inherit'] })
  const dir = mkdtempSync(join(tmpdir(), 'orrery-doctor-front-'))
  const fronts: ChildProcess[] = []
  const orrery = await startOrrery({ config: { trustedDownstreamIps: ['127.0.0.1'], servers: { cmd: ['/bin/true'] } } })
  const path = join(orrery.dataDir, 'orrery.config.json')
  const loaded = await readConfig({ path, env: {}, overrides: { dataDir: { value: orrery.dataDir, from: 'test' } } })
  const site = findSite({ loaded, env: {} })

  return {
    orrery,
    port: new URL(orrery.url).port,
    dir,
    async start([program, ...args], ports, env) {
      fronts.push(spawn(program!, args, { stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } }))
      for (const each of ports) {
        await until(`${program} listens`, async () => (await connectionFault('127.0.0.1', each)) === undefined)
      }
    },
    foundAt: (publicUrl, idleSeconds) =>
      frontCheck.run({ ...site, publicUrl, idleSeconds }, AbortSignal.timeout(60_000)),
    async [Symbol.asyncDispose]() {
      for (const front of fronts) if (front.exitCode === null && front.kill()) await once(front, 'exit')
      await orrery.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** What is not well, by item. */
export function bad(outcomes: readonly Outcome[]): Record<string, string> {
  return Object.fromEntries(outcomes.filter(({ level }) => level !== 'ok').map(({ item, level }) => [item, level]))
}
