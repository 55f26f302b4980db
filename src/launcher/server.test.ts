import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { promisify } from 'node:util'
import { launcherClient } from './client.ts'
import { isRoot } from './options.ts'
import { PROTOCOL_VERSION } from './protocol.ts'
import { startLauncher } from './server.ts'
import { type TestLauncher, testLauncher } from './testing.ts'

describe('the socket of the launcher', () => {
  let launcher: TestLauncher
  before(async () => {
    launcher = await testLauncher()
  })
  after(() => launcher?.close())

  /** Sends raw text and returns what comes back until the connection ends or a line is complete. */
  const say = (text: string) =>
    new Promise<string>((resolve, reject) => {
      const socket = connect(launcher.options.socketPath)
      let heard = ''
      socket.on('data', chunk => {
        heard += chunk
        if (heard.endsWith('\n')) socket.end()
      })
      socket.on('close', () => resolve(heard))
      // Closed while it was still written to.
      socket.on('error', error => (['EPIPE', 'ECONNRESET'].includes(codeOf(error)) ? undefined : reject(error)))
      socket.write(text)
    })
  const ask = async (message: unknown) => JSON.parse(await say(`${JSON.stringify(message)}\n`))

  it('is open to its owner alone', () => {
    assert.equal(statSync(launcher.options.socketPath).mode & 0o777, 0o600)
  })

  it('refuses another user even where the permissions let one in', { skip: !isRoot() && 'needs root' }, async () => {
    chmodSync(launcher.options.socketPath, 0o666)
    const script = `
      const socket = require('node:net').connect(${JSON.stringify(launcher.options.socketPath)})
      socket.write('{"v":${PROTOCOL_VERSION},"id":1,"request":{"op":"hello"}}\\n')
      socket.on('data', data => socket.end() && process.stdout.write(data))
      socket.on('error', () => {})`
    const as = (uid: number) =>
      promisify(execFile)(process.execPath, ['-e', script], { uid, gid: uid, env: {}, timeout: 10_000 })

    const stranger = await as(65_534)
    chmodSync(launcher.options.socketPath, 0o600)

    await launcher.restart({ allowUids: [65_534] })
    const allowed = await as(65_534)
    await launcher.restart()

    assert.equal(stranger.stdout, '')
    assert.match(allowed.stdout, new RegExp(`"version":${PROTOCOL_VERSION}`))
  })

  it('lies in no folder where others could put another file in its place', {
    skip: !isRoot() && 'needs root',
  }, async () => {
    const folder = join(launcher.options.stateDir, 'run')
    mkdirSync(folder)
    chownSync(folder, 65_534, 65_534)
    const socketPath = join(folder, 'launcher.sock')
    symlinkSync('/etc/passwd', socketPath) // as its owner would

    await assert.rejects(startLauncher({ ...launcher.options, socketPath }), { code: 'folder_unsafe' })
    chownSync(folder, 0, 0)
    await assert.rejects(startLauncher({ ...launcher.options, socketPath }), { code: 'socket_unsafe' })
    assert.equal(statSync('/etc/passwd').uid, 0)
  })

  it('takes only what its schema names', async () => {
    const refusals = [
      { v: PROTOCOL_VERSION, id: 1, request: { op: 'exec', command: ['id'] } },
      { v: PROTOCOL_VERSION, id: 1, request: { op: 'hello', extra: true } },
      { v: PROTOCOL_VERSION, id: 1, request: { op: 'hello' }, extra: true },
      { v: PROTOCOL_VERSION + 1, id: 1, request: { op: 'hello' } },
      { v: PROTOCOL_VERSION, id: 1, request: { op: 'poll', key: { user: 'a', server: '' }, pid: 1 } },
      { v: PROTOCOL_VERSION, id: 1, request: { op: 'poll', key: { user: 'a\nb', server: '' } } },
      {
        v: PROTOCOL_VERSION,
        id: 1,
        request: { op: 'pamAuthenticate', name: 'a', password: 'a', service: '../x', checkAccount: true },
      },
      { v: PROTOCOL_VERSION, id: 1, request: { op: '__proto__' } },
      { v: PROTOCOL_VERSION, id: 1, request: { op: 'turnOverLogs' } },
    ]
    for (const message of refusals) {
      const answer = await ask(message)
      assert.partialDeepStrictEqual(answer, { ok: false, error: { code: 'request_refused' } }, JSON.stringify(message))
    }
    assert.partialDeepStrictEqual(JSON.parse(await say('not json\n')), { ok: false })
  })

  it('repeats no value of a request it refuses', async () => {
    const request = {
      op: 'pamAuthenticate',
      name: 'a',
      password: 'the-secret',
      service: '/x',
      checkAccount: 'the-secret',
    }
    const answer = await say(`${JSON.stringify({ v: PROTOCOL_VERSION, id: 1, request })}\n`)
    assert.ok(!answer.includes('the-secret'))
  })

  it('closes a connection that sends too long a line, and serves the others', async () => {
    assert.equal(await say('x'.repeat(300 * 1024)), '')
    assert.partialDeepStrictEqual(await launcher.client.call('hello', {}), { version: PROTOCOL_VERSION })
  })

  it('refuses to be a second launcher, and replaces the socket of a dead one', async () => {
    await assert.rejects(startLauncher(launcher.options), { code: 'launcher_running' })
    const socketPath = `${launcher.folder}/other.sock`
    writeFileSync(socketPath, '')
    await assert.rejects(startLauncher({ ...launcher.options, socketPath }), { code: 'socket_unsafe' })
  })

  it('is found again by a client after a restart of the launcher', async () => {
    await launcher.client.call('hello', {})
    await launcher.restart()
    assert.partialDeepStrictEqual(await launcher.client.call('hello', {}), { version: PROTOCOL_VERSION })
  })

  it('that is not there is told as such', async () => {
    const client = launcherClient({ socketPath: `${launcher.folder}/nobody.sock` })
    await assert.rejects(client.call('hello', {}), { code: 'launcher_unreachable', status: 503 })
  })

  it('is not waited for longer than asked', async () => {
    const watch = { key: { user: 'ada', server: '' }, pid: process.pid, ip: '127.0.0.1', port: 9, waitMs: 5000 }
    const { client } = launcher
    await assert.rejects(client.call('watch', watch, { signal: AbortSignal.abort(new Error('no')) }), /no/)
    assert.partialDeepStrictEqual(await client.call('watch', watch), { seen: 'ended' })
  })
})

function codeOf(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? ''
}
