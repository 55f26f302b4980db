/** Sites for tests of single checks: the defaults, with what is given, as if nothing of it ran. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { loadConfig } from '../config/load-config.ts'
import type { Check, Outcome, Site } from './check.ts'
import { findSite } from './find-site.ts'

export interface TestSite extends AsyncDisposable {
  readonly site: Site
  readonly folder: string
  /** Runs a check, `item: level` by item, and the outcomes themselves. */
  run(check: Check, changes?: Partial<Site>): Promise<Outcome[]>
}

/** `options`: by path, such as `{ 'servers.cmd': ['/bin/true'] }`; a function is told the folder. */
export async function siteFor(
  options: Record<string, unknown> | ((folder: string) => Record<string, unknown>) = {},
): Promise<TestSite> {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-doctor-'))
  const given = { dataDir: folder, ...(typeof options === 'function' ? options(folder) : options) }
  const overrides = Object.fromEntries(Object.entries(given).map(([path, value]) => [path, { value, from: 'test' }]))
  const config = await loadConfig({ env: {}, folder, overrides })
  const site = findSite({ loaded: { config, file: undefined, notices: [] }, env: { PATH: process.env.PATH } })
  return {
    site,
    folder,
    run: async (check, changes = {}) => [...(await check.run({ ...site, ...changes }, AbortSignal.timeout(60_000)))],
    async [Symbol.asyncDispose]() {
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

export const levels = (outcomes: readonly Outcome[]) =>
  Object.fromEntries(outcomes.map(({ item, level }) => [item, level]))
