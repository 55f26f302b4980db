/**
 * The proxy beside the released configurable-http-proxy: each row of the table is asked of both, as real processes with
 * the same command line. What differs is marked in the table with its entry of `docs/differences.md`.
 */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { commandOf, type ProxyProgram } from '../../../src/proxy/testing/spawn-proxy.ts'
import { errorPages } from './error-pages.ts'
import { forwarding } from './forwarding.ts'
import { pathOptions } from './path-options.ts'
import { commandLineFlags, processOptions } from './process-options.ts'
import { type Launch, type RunningProgram, startProgram } from './program.ts'
import { restApi } from './rest-api.ts'
import type { Row, Setting } from './rows.ts'
import { type Site, startSite } from './site.ts'
import { tlsOptions } from './tls-options.ts'

const PROGRAMS = ['orrery', 'configurable-http-proxy'] as const satisfies readonly ProxyProgram[]
const SETTINGS: readonly Setting[] = [
  ...restApi,
  ...forwarding,
  ...pathOptions,
  ...errorPages,
  ...tlsOptions,
  ...processOptions,
]

describe('the proxy and configurable-http-proxy', { timeout: 600_000 }, () => {
  let site: Site
  before(async () => {
    site = await startSite()
  })
  after(() => site?.[Symbol.asyncDispose]())

  for (const setting of SETTINGS) {
    describe(`with ${setting.options.join(', ')}`, () => {
      const programs: RunningProgram[] = []
      before(async () => {
        const start = async (program: ProxyProgram) => {
          const flags: Launch['flags'] = ports => setting.flags(site, { ...ports, program })
          const sockets = setting.sockets?.(site, program)
          programs.push(await startProgram(program, { ...setting, flags, sockets }))
        }
        await Promise.all(PROGRAMS.map(start))
        programs.sort((a, b) => PROGRAMS.indexOf(a.program) - PROGRAMS.indexOf(b.program))
      })
      after(() => Promise.all(programs.map(program => program.stop())))
      for (const row of setting.rows) it(row.title, () => judge(row, programs))
    })
  }

  it('every option of its help is in the table', () => {
    const [command, ...args] = commandOf('configurable-http-proxy')
    const help = execFileSync(process.execPath, [command!, ...args, '--help'], { encoding: 'utf8' })
    const options = new Set([...help.matchAll(/^\s+(?:-\w, )?(--[a-z0-9-]+)/gm)].map(([, option]) => option!))

    const at = { port: 0, api: 0, metrics: 0, redirect: 0, program: 'orrery' } as const
    const tried = new Set([...commandLineFlags, ...SETTINGS.flatMap(({ flags }) => flags(site, at))])

    assert.ok(options.size > 40)
    assert.deepEqual(
      [...options].filter(option => !tried.has(option)),
      [],
    )
  })

  it('each difference is told, and what is told is in the table', () => {
    const documented = readFileSync(join(import.meta.dirname, '../../../docs/differences.md'), 'utf8')
    const told = new Set([...documented.matchAll(/`(proxy-[a-z0-9-]+)`/g)].map(([, entry]) => entry!))
    const marked = new Set(SETTINGS.flatMap(({ rows }) => rows.flatMap(({ differs }) => differs ?? [])))

    assert.deepEqual([...marked].sort(), [...told].sort())
  })

  async function judge(row: Row, programs: readonly RunningProgram[]): Promise<void> {
    const asked = programs.filter(({ program }) => row.only === undefined || row.only === program)
    const found = await Promise.all(asked.map(async proxy => plain(await row.see(proxy, site), proxy)))
    const expected = asked.map(({ program }) => (program === 'orrery' || !('theirs' in row) ? row.answer : row.theirs))
    const log = asked.map(proxy => proxy.output().slice(-1000)).join('\n')
    assert.deepEqual(found, expected, `${found.map(each => JSON.stringify(each)).join('\n')}\n${log}`)
  }

  function plain(value: unknown, { ports }: RunningProgram): unknown {
    let text = JSON.stringify(value ?? null).replaceAll(site.dir, '{dir}')
    const named = { ...ports, echo: site.echo.port }
    for (const [name, port] of Object.entries(named)) text = text.replaceAll(String(port), `{${name}}`)
    return JSON.parse(text)
  }
})
