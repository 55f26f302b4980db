/** Every endpoint, tried by everybody, at the released JupyterHub and at Orrery: the same table of answers. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { startOracle } from '../support/jupyterhub-oracle.ts'
import { referencePython } from '../support/python-env.ts'
import { type Answer, differences, headerDifferences } from './answers.ts'
import { documentChecker } from './document-check.ts'
import { allowances } from './table-differences.ts'
import { apiRows, type Endpoint, lastRows, otherMethods, pageRows, type Row, untried } from './table-rows.ts'
import {
  COOKIE_CALLERS,
  startOrreryWorld,
  startReferenceWorld,
  type TableCaller,
  TOKEN_CALLERS,
  type World,
} from './table-world.ts'

const documented = readFileSync(join(import.meta.dirname, '../../docs/differences.md'), 'utf8')
const EVERYBODY: readonly TableCaller[] = [...TOKEN_CALLERS, ...COOKIE_CALLERS]
/** A GET carries no `_xsrf` anyhow; to all else a script without it is as any page without it. */
const everybodyFor = ({ method }: Row): readonly TableCaller[] =>
  EVERYBODY.filter(who => who !== (method === 'GET' ? 'bob without xsrf' : 'bob in a script'))

describe('the table of answers', () => {
  let theirs: World
  let ours: World
  let againstDocument: (answer: Answer) => string[]
  const used = new Set<object>()
  let endpoints: Endpoint[]
  before(async () => {
    const oracle = startOracle(referencePython())
    const listed = await oracle.call<[string, string[]][]>('endpoints')
    oracle.close()
    endpoints = listed.map(([pattern, methods]) => ({
      pattern: new RegExp(`^/hub${pattern.replaceAll('?P<', '?<')}$`),
      methods,
    }))
    theirs = await startReferenceWorld()
    ours = await startOrreryWorld()
    againstDocument = await documentChecker(ours.url)
  })
  after(async () => {
    await theirs?.stop()
    await ours?.stop()
  })

  it('has all endpoints of the released hub', () => {
    assert.deepEqual(untried([...apiRows, ...pageRows, ...lastRows], endpoints), [])
  })

  it("is JupyterHub's for the REST API", () => compareAll(apiRows))

  it("is JupyterHub's for methods that the REST API does not have", () =>
    compareAll(otherMethods(apiRows, endpoints, ['nobody', 'boss'])))

  it("is JupyterHub's for pages", () => compareAll(pageRows))

  it("is JupyterHub's for methods that pages do not have", () =>
    compareAll(otherMethods(pageRows, endpoints, ['nobody', 'bob by cookie'])))

  it("is JupyterHub's for what ends sessions and accounts", () => compareAll(lastRows))

  it('differs no less than it is allowed to', () => {
    const stale = allowances.filter(allowance => !used.has(allowance))
    assert.deepEqual(
      stale.map(({ entry, on }) => `${entry}: ${on}`),
      [],
    )
    for (const { entry } of allowances)
      assert.ok(documented.includes(`\`${entry}\``), `docs/differences.md lacks \`${entry}\``)
  })

  async function compareAll(rows: readonly Row[]): Promise<void> {
    const faults: string[] = []
    for (const row of rows) {
      for (const who of row.callers ?? everybodyFor(row)) faults.push(...(await compare(row, who)))
    }
    if (faults.length > 0) assert.fail(`${faults.length} answers differ:\n${faults.join('\n')}`)
  }

  async function compare(row: Row, who: TableCaller): Promise<string[]> {
    const [expected, actual] = await Promise.all([theirs, ours].map(world => attempt(world, row, who)))
    const title = `${who}: ${row.method} ${row.path}`
    const compared = [...differences(expected!, actual!), ...headerDifferences(expected!, actual!)]
    const unmeant = compared
      .filter(({ part, theirs: a, ours: b }) => {
        const kind = part === 'status' ? (`status ${Number(a)} ${Number(b)}` as const) : part
        const allowed = allowances.filter(({ on, parts }) => on.test(title) && parts.includes(kind))
        for (const allowance of allowed) used.add(allowance)
        return allowed.length === 0
      })
      .map(
        ({ part, theirs: a, ours: b }) =>
          `${title}: ${part}\n    JupyterHub ${JSON.stringify(a)}\n    Orrery     ${JSON.stringify(b)}`,
      )
    return [...unmeant, ...againstDocument(actual!).map(fault => `${title}: ${fault}`)]
  }
})

async function attempt(world: World, { undo = [], callers: _, ...request }: Row, who: TableCaller) {
  const answer = await world.ask(who, request)
  if (answer.status >= 200 && answer.status < 300) for (const step of undo) await world.ask('tester', step)
  return answer
}
