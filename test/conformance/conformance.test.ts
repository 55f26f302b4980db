/** The same requests against the released JupyterHub and against Orrery: equal, but for what is meant to differ. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { HttpSession } from '../support/http-session.ts'
import { startReferenceHub } from '../support/reference-hub.ts'
import { type Answer, differences, type HubUnderTest, runScript } from './answers.ts'
import { documentChecker } from './document-check.ts'
import { startOrreryHub } from './orrery-hub.ts'
import {
  browserRequests,
  groupRequests,
  hubRequests,
  otherRequests,
  pageRequests,
  type ScriptedRequest,
  serverRequests,
  shareRequests,
  tokenRequests,
  userRequests,
} from './requests.ts'

const parts = {
  'the hub and its callers': hubRequests,
  users: userRequests,
  groups: groupRequests,
  tokens: tokenRequests,
  'services and the proxy': otherRequests,
  pages: pageRequests,
  'servers that do not run': serverRequests,
  shares: shareRequests,
  'what a browser may ask': browserRequests,
}
const documented = readFileSync(join(import.meta.dirname, '../../docs/differences.md'), 'utf8')

describe('answers as the released JupyterHub', () => {
  const ends: (() => Promise<void>)[] = []
  let theirs: HubUnderTest
  let ours: HubUnderTest
  let againstDocument: (answer: Answer) => string[]
  before(async () => {
    const reference = await startReferenceHub()
    ends.push(reference.stop)
    const orrery = await startOrreryHub()
    ends.push(orrery.stop)
    theirs = await withCallers(reference.hubUrl, reference.adminToken)
    ours = await withCallers(orrery.hubUrl, orrery.adminToken)
    againstDocument = await documentChecker(orrery.hubUrl)
  })
  after(async () => {
    for (const end of ends) await end()
  })

  for (const [name, script] of Object.entries(parts)) {
    it(`to requests about ${name}`, async () => {
      const expected = await runScript(theirs, script)
      const actual = await runScript(ours, script)
      const faults = script.flatMap((request: ScriptedRequest, at) => faultsOf(request, expected[at]!, actual[at]!))
      assert.equal(faults.join('\n'), '')
      assert.equal(actual.flatMap(againstDocument).join('\n'), '')
    })
  }
})

function faultsOf(request: ScriptedRequest, theirs: Answer, ours: Answer): string[] {
  const title = `${request.who} ${request.method} ${request.path.slice(0, 80)} ${JSON.stringify(request.body ?? '').slice(0, 80)}`
  const allowed = request.differs?.in ?? []
  const found = differences(theirs, ours)
  const unmeant = found
    .filter(({ part }) => !allowed.includes(part))
    .map(
      ({ part, theirs: a, ours: b }) =>
        `${title}: ${part}\n    JupyterHub ${JSON.stringify(a)}\n    Orrery     ${JSON.stringify(b)}`,
    )
  const entry = request.differs?.entry
  if (entry !== undefined && found.length === 0) unmeant.push(`${title}: answers alike, though "${entry}" is listed`)
  if (entry !== undefined && !documented.includes(`\`${entry}\``))
    unmeant.push(`docs/differences.md lacks \`${entry}\``)
  return unmeant
}

/** Alice and Bob exist, and everybody has a token of this hub. */
async function withCallers(url: string, testerToken: string): Promise<HubUnderTest> {
  const headers = { authorization: `token ${testerToken}` }
  const body = JSON.stringify({ usernames: ['alice', 'bob'] })
  const made = await fetch(`${url}/hub/api/users`, { method: 'POST', headers, body })
  assert.equal(made.status, 201)
  const tokenOf = async (name: string) => {
    const answer = await fetch(`${url}/hub/api/users/${name}/tokens`, { method: 'POST', headers })
    return ((await answer.json()) as { token: string }).token
  }
  const tokens = {
    nobody: undefined,
    forger: '0123456789abcdef0123456789abcdef',
    tester: testerToken,
    alice: await tokenOf('alice'),
    bob: await tokenOf('bob'),
    boss: await tokenOf('boss'),
    browser: undefined,
  }
  const session = new HttpSession(url)
  await session.signIn('alice', 'any')
  const names = ['jupyterhub-hub-login', 'jupyterhub-session-id', '_xsrf']
  const header = names.map(name => `${name}=${session.cookie(name)}`).join('; ')
  return { url, tokens, cookies: { header, xsrf: session.cookie('_xsrf')! } }
}
