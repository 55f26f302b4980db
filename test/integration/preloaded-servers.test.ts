/** Servers that are forked ready imported, with the real JupyterLab: what is not done again for each, and what must be. */
import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { newPerson, type Person, startServer, stopServer } from '../../bench/start/person.ts'
import { type Kernel, startKernel } from '../support/kernel.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { singleUserCommand } from '../support/python-env.ts'
import { until } from '../support/until.ts'

/** The servers' path is this one's only where the launcher is not root. */
const NOBODY = 65534
const LANGUAGE_SERVER = 'pyright'

describe('servers that are preloaded, with JupyterLab', { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-programs-'))
  const calls = join(folder, 'calls')
  let orrery: OrreryProcess
  let person: Person
  let kernel: Kernel

  before(async () => {
    makePrograms()
    orrery = await startOrrery({
      args: ['--stop-servers'],
      env: { PATH: `${join(folder, 'bin')}:${process.env.PATH}` },
      config: {
        authenticator: { kind: 'dummy' },
        access: { allowAll: true },
        servers: { cmd: singleUserCommand(), preload: 'auto', startTimeout: '3m', httpTimeout: '3m' },
      },
      ...(process.getuid?.() === 0 && { uid: NOBODY }),
    })
    const log = () => readFileSync(join(orrery.dataDir, 'log/launcher.log'), 'utf8')
    await until('servers are preloaded', () => log().includes('servers are preloaded'), 180_000)
    person = await newPerson({ url: orrery.url, addUser: async () => {} }, 'ada')
  })
  after(async () => {
    kernel?.close()
    await orrery?.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  /** Programs named as Node's that tell how they were called, and a language server where this npm says. */
  function makePrograms(): void {
    chmodSync(folder, 0o755)
    writeFileSync(calls, '')
    chmodSync(calls, 0o666)
    mkdirSync(join(folder, 'bin'))
    for (const [name, answer] of [
      ['npm', join(folder, 'prefix')],
      ['node', ''],
    ]) {
      const script = `#!/bin/sh\necho "${name} $*" >> ${calls}\necho "${answer}"\n`
      writeFileSync(join(folder, 'bin', name!), script, { mode: 0o755 })
    }
    const installed = join(folder, 'prefix/lib/node_modules', LANGUAGE_SERVER)
    mkdirSync(installed, { recursive: true })
    writeFileSync(join(installed, 'langserver.index.js'), '')
  }

  const called = () => readFileSync(calls, 'utf8').split('\n').slice(0, -1)

  /** Of the server itself, for the person. */
  async function ask(method: string, path: string, body?: unknown): Promise<Response> {
    const headers = { authorization: `token ${person.token}` }
    const url = `${orrery.url}/user/ada${path}`
    return await fetch(url, { method, headers, ...(body !== undefined && { body: JSON.stringify(body) }) })
  }

  async function languageServers(): Promise<string[]> {
    return await until('language servers are known', async () => {
      const status = (await (await ask('GET', '/lsp/status')).json()) as { sessions: Record<string, unknown> }
      return Object.keys(status.sessions).length > 0 && Object.keys(status.sessions)
    })
  }

  it('find the language servers that npm has installed, without asking npm or Node again', async () => {
    const before = called()
    assert.deepEqual(
      before.filter(line => line.startsWith('npm')),
      ['npm prefix -g'],
    )

    await startServer(person)

    assert.deepEqual(await languageServers(), [LANGUAGE_SERVER])
    assert.deepEqual(called(), before)
  })

  it('keep the settings and workspaces of JupyterLab in the home of their user', async () => {
    const workspace = { data: {}, metadata: { id: 'mine' } }
    assert.ok((await ask('PUT', '/lab/api/workspaces/mine', workspace)).ok)
    const settings = { raw: '{"theme": "JupyterLab Dark"}' }
    assert.ok((await ask('PUT', '/lab/api/settings/@jupyterlab/apputils-extension:themes', settings)).ok)

    kernel = await startKernel(`${orrery.url}/user/ada`, person.token)
    const code = 'import glob, os\nfor kind in ("workspaces/*", "user-settings/*/*/*"): print(len(glob.glob('
    assert.equal(await kernel.run(`${code}os.path.expanduser("~/.jupyter/lab/" + kind))))`), '1\n1\n')
  })

  it('ask npm themselves where a user has settings of their own for it', async () => {
    await kernel.run('open(os.path.expanduser("~/.npmrc"), "w").close()')
    await stopServer(person)
    const before = called().length

    await startServer(person)

    assert.deepEqual(await languageServers(), [LANGUAGE_SERVER])
    assert.deepEqual(called().slice(before), ['npm prefix -g'])
  })
})
