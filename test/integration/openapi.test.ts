/**
 * schemathesis reads the OpenAPI document of a running hub and tries every endpoint but `shutdown`, with requests that
 * follow the document and with such that do not: no server error, no status, type or field that is not documented.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, copyFileSync, mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { tokenOf } from '../support/own-server.ts'
import { pythonOf } from '../support/python-env.ts'

const SUPPORT = join(import.meta.dirname, '../support')
const CHECKS = [
  'not_a_server_error',
  'status_code_conformance',
  'content_type_conformance',
  'response_schema_conformance',
]
const EXAMPLES_PER_ENDPOINT = '4'
/** One ends the hub, four do not end: see support/schemathesis.toml. */
const LEFT_OUT = 5
/** Repeats a run as far as the hub answers alike. */
const seed = process.env.ORRERY_TEST_SEED ?? '1'

interface Report {
  readonly operations: { readonly total: number; readonly selected: number; readonly tested: number }
  readonly errors: readonly unknown[]
  /** By endpoint and phase: how many of the valid requests were accepted. */
  readonly valid_rates: Record<string, Record<string, { readonly accepted: number }>>
}

describe(`the REST API, tried by schemathesis (seed ${seed})`, { timeout: 600_000 }, () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'orrery-openapi-'))
  const program = join(dataDir, 'tiny-server.py')
  let orrery: OrreryProcess
  let token: string

  before(async () => {
    chmodSync(dataDir, 0o755)
    copyFileSync(join(SUPPORT, 'tiny-server.py'), program)
    orrery = await startOrrery({
      dataDir,
      args: ['--stop-servers'],
      config: {
        authenticator: { kind: 'dummy' },
        access: { allowAll: true, adminUsers: ['boss'] },
        servers: { cmd: ['/usr/bin/python3', program], allowNamedServers: true, activeServerLimit: 5, pollInterval: 1 },
      },
    })
    token = await tokenOf(orrery.url, 'boss')
    await makeSomething()
  })
  after(() => orrery?.stop())

  it('answers what its document says', async () => {
    const file = join(dataDir, 'report.json')
    const { status, output } = await schemathesis(
      dataDir,
      ['run', `${orrery.url}/hub/api/openapi.json`, '--header', `Authorization: token ${token}`],
      ['--checks', CHECKS.join(','), '--continue-on-failure', '--max-redirects', '0', '--request-timeout', '30'],
      ['--max-examples', EXAMPLES_PER_ENDPOINT, '--seed', seed, '--no-shrink', '--generation-database', 'none'],
      ['--report', 'json', '--report-json-path', file, '--warnings', 'off', '--workers', '1'],
    )
    assert.equal(status, 0, output)

    const { operations, errors, valid_rates: rates } = JSON.parse(readFileSync(file, 'utf8')) as Report
    assert.deepEqual(errors, [])
    assert.equal(operations.total - operations.tested, LEFT_OUT, 'all but those that schemathesis.toml leaves out')
    const accepted = (endpoint: string) => Object.values(rates[endpoint] ?? {}).some(phase => phase.accepted > 0)
    const expected = ['POST /users/{name}/tokens', 'PUT /groups/{name}/properties', 'POST /users/{name}/activity']
    assert.deepEqual(expected.filter(accepted), expected, 'it came past the names')
  })

  it('meets no fault that nobody foresaw', () => {
    const lines = readFileSync(join(dataDir, 'log/hub.log'), 'utf8').split('\n')
    assert.deepEqual(
      lines.filter(line => /"level":(50|60)|"status":5\d\d/.test(line)),
      [],
    )
  })

  /** Users, groups, named servers, and shares of each with the others. */
  async function makeSomething(): Promise<void> {
    const names = ['ada', 'grace', 'linus']
    await ask('POST', '/users', { usernames: names }, 201)
    await ask('POST', '/groups', { groups: ['physics', 'maths'], users: names }, 201)
    for (const owner of names) {
      for (const server of ['gpu', 'stats']) await ask('PUT', `/users/${owner}/servers/${server}`, undefined, 201)
      for (const server of ['', 'gpu', 'stats']) {
        const others = names.filter(name => name !== owner)
        for (const user of others) await ask('POST', `/shares/${owner}/${server}`, { user }, 200)
        for (const group of ['physics', 'maths']) await ask('POST', `/shares/${owner}/${server}`, { group }, 200)
      }
    }
  }

  async function ask(method: string, path: string, body: unknown, expected: number): Promise<void> {
    const answer = await fetch(`${orrery.url}/hub/api${path}`, {
      method,
      headers: { authorization: `token ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    assert.equal(answer.status, expected, `${method} ${path}: ${await answer.text()}`)
  }
})

/** Runs `st`, which leaves notes in `cwd`; its output, in which it hides the token, goes to the message of a failure. */
async function schemathesis(
  cwd: string,
  ...args: readonly (readonly string[])[]
): Promise<{ status: number | null; output: string }> {
  const st = join(dirname(pythonOf('schemathesis.sh')), 'st')
  const config = join(SUPPORT, 'schemathesis.toml')
  const child = spawn(st, ['--config-file', config, ...args.flat(), '--no-color'], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  child.stdout.on('data', chunk => (output += chunk))
  child.stderr.on('data', chunk => (output += chunk))
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return { status, output: output.slice(0, 20_000) }
}
