/** A disk that fills up and a database that somebody holds, while Orrery runs: it says so, and goes on afterwards. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { runOrrery } from '../support/ended-start.ts'
import { HttpSession } from '../support/http-session.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { until } from '../support/until.ts'

const isRoot = process.getuid?.() === 0
const takesMounts =
  isRoot && spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0
    ? false
    : 'takes root that may mount'

interface ApiAnswer {
  readonly status: number
  readonly body: { code?: string; message?: string; next_step?: string; [name: string]: unknown }
}

/** An Orrery with an administrator ann who has a token. */
async function startWithToken(dataDir: string, servers: Record<string, unknown>) {
  const orrery = await startOrrery({
    dataDir,
    config: { authenticator: { kind: 'dummy' }, access: { allowAll: true, adminUsers: ['ann'] }, servers },
  })
  await new HttpSession(orrery.url).signIn('ann', 'any')
  const config = join(dataDir, 'orrery.config.json')
  const { stdout } = await runOrrery({ args: ['token', 'ann', '--data-dir', dataDir, '--config', config] })
  const api = async (method: string, path: string, body?: unknown): Promise<ApiAnswer> => {
    const answer = await fetch(`${orrery.url}/hub/api${path}`, {
      method,
      headers: { authorization: `token ${stdout.trim()}` },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    return { status: answer.status, body: text === '' ? {} : JSON.parse(text) }
  }
  return { orrery, api }
}

/** Why the start of a server failed. */
async function failedStart(api: Awaited<ReturnType<typeof startWithToken>>['api'], user: string) {
  return until('the start has failed', async () => {
    const { body } = await api('GET', `/users/${user}?include_stopped_servers`)
    const server = (
      body.servers as Record<
        string,
        { pending: string | null; reason?: { code: string; message: string; administrator_step: string } }
      >
    )['']
    return server?.pending === null && server.reason ? server.reason : undefined
  })
}

describe('a database that another program holds', () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'orrery-held-'))
  let orrery: OrreryProcess
  let api: Awaited<ReturnType<typeof startWithToken>>['api']
  before(async () => {
    ;({ orrery, api } = await startWithToken(dataDir, { cmd: ['/usr/bin/true'] }))
  })
  after(() => orrery?.stop())

  it('is a 503 with its code for what has to write, no harm for what reads, and over when it is let go', async () => {
    const hub = orrery.part('hub')!.pid
    const session = new HttpSession(orrery.url)
    await session.go('/hub/login')
    const other = new DatabaseSync(join(dataDir, 'hub', 'jupyterhub.sqlite'))
    other.exec('begin exclusive')

    const began = Date.now()
    const [signIn, ...answers] = await Promise.all([
      session.signIn('eve', 'any'),
      api('POST', '/users/one'),
      api('POST', '/users/two'),
      api('POST', '/users/ann/server'),
    ])
    assert.ok(Date.now() - began < 20_000, 'those who wait do so together')
    assert.equal(signIn.status, 503)
    assert.match(await signIn.text(), /held by another process/)
    for (const { status, body } of answers) {
      assert.equal(status, 503)
      assert.equal(body.code, 'database_locked')
      assert.doesNotMatch(JSON.stringify(body), /sqlite|\//)
    }
    assert.equal((await fetch(`${orrery.url}/hub/health`)).status, 200)
    other.close()

    assert.equal((await api('POST', '/users/one')).status, 201)
    assert.equal((await new HttpSession(orrery.url).signIn('eve', 'any')).status, 200)
    assert.equal(orrery.part('hub')!.pid, hub)
  })
})

describe('a disk that fills up', { skip: takesMounts }, () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'orrery-full-'))
  let orrery: OrreryProcess
  let api: Awaited<ReturnType<typeof startWithToken>>['api']
  before(async () => {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'mode=755,size=16m', 'tmpfs', dataDir])
    ;({ orrery, api } = await startWithToken(dataDir, { cmd: ['/nonexistent/jupyterhub-singleuser'] }))
  })
  after(async () => {
    await orrery?.stop({ keepData: true })
    execFileSync('umount', ['--lazy', dataDir])
    rmSync(dataDir, { recursive: true })
  })

  it('is named to who signs in and who starts a server, and all goes on once there is space', async () => {
    spawnSync('dd', ['if=/dev/zero', `of=${dataDir}/filler`, 'bs=4096'])
    let made = 0
    // The log of the database may have room left from before.
    const refused = await until('the database has no room', async () => {
      const usernames = Array.from({ length: 200 }, (_, n) => `many-${made}-${n}`)
      const answer = await api('POST', '/users', { usernames })
      if (answer.status === 201) made++
      return answer.status === 201 ? undefined : answer
    })
    assert.deepEqual([refused.status, refused.body.code], [503, 'disk_full'])
    assert.match(refused.body.message!, /disk .* is full/)

    const signIn = await new HttpSession(orrery.url).signIn('eve', 'any')
    assert.equal(signIn.status, 503)
    assert.match(await signIn.text(), /disk .* is full/)
    const start = await api('POST', '/users/ann/server')
    assert.deepEqual([start.status, start.body.code], [503, 'disk_full'])
    process.kill(orrery.part('hub')!.pid, 'SIGKILL')
    rmSync(join(dataDir, 'filler'))

    await until('the hub is back', async () => (await fetch(`${orrery.url}/hub/api/`)).ok, 60_000)
    assert.equal((await new HttpSession(orrery.url).signIn('eve', 'any')).status, 200)
    const { body } = await api('GET', '/users?limit=1')
    assert.ok(Array.isArray(body))
    const check = new DatabaseSync(join(dataDir, 'hub', 'jupyterhub.sqlite'), { readOnly: true })
    assert.equal(check.prepare('pragma integrity_check').get()!.integrity_check, 'ok')
    const { count } = check.prepare("select count(*) as count from users where name like 'many-%'").get()!
    check.close()
    assert.equal(count, made * 200, 'all of a request or nothing')
  })
})

describe('a single-user server that cannot run', () => {
  const programs = mkdtempSync(join(tmpdir(), 'orrery-programs-'))
  chmodSync(programs, 0o755)
  after(() => rmSync(programs, { recursive: true }))

  /** Starts the servers of these users, and tells why they did not. */
  async function reasonsFor(cmd: string, users: readonly string[]) {
    const { orrery, api } = await startWithToken(mkdtempSync(join(tmpdir(), 'orrery-no-')), { cmd: [cmd] })
    try {
      return await Promise.all(
        users.map(async user => {
          await api('POST', `/users/${user}`)
          await api('POST', `/users/${user}/server`)
          return failedStart(api, user)
        }),
      )
    } finally {
      await orrery.stop()
    }
  }

  it('because it is missing: the hub runs, and the start says why and what to do', async () => {
    const [reason] = await reasonsFor('/nonexistent/jupyterhub-singleuser', ['ann'])

    assert.equal(reason!.code, 'command_not_found')
    assert.match(reason!.message, /nonexistent\/jupyterhub-singleuser does not exist/)
    assert.match(reason!.administrator_step, /Install `jupyterhub`/)
  })

  it('because it is too old, not whole or fails: its last words become the reason', async () => {
    const cmd = join(programs, 'jupyterhub-singleuser')
    const script = `#!/bin/sh
case "$JUPYTERHUB_USER" in
  old) echo "Starting jupyterhub-singleuser version 1.5.1" ;;
  bare) echo "ModuleNotFoundError: No module named 'jupyterhub'" >&2 ;;
  *) exit 3 ;;
esac
exit 1
`
    writeFileSync(cmd, script, { mode: 0o755 })

    const [old, bare, failing] = await reasonsFor(cmd, ['old', 'bare', 'ann'])

    assert.deepEqual(
      [old, bare, failing].map(reason => reason!.code),
      ['singleuser_too_old', 'singleuser_missing', 'exited_early'],
    )
    assert.match(old!.message, /1\.5\.1/)
    assert.match(failing!.message, /exit status 3/)
    for (const reason of [old, bare, failing]) assert.notEqual(reason!.administrator_step, '')
  })
})
