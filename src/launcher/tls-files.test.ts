import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { until } from '../../test/support/until.ts'
import { isRoot } from './options.ts'
import { findEnvironment } from './processes/process-info.ts'
import { type TestLauncher, testLauncher } from './testing.ts'

const texts = { key: 'the key', cert: 'the certificate', ca: 'the authorities' }

describe('key and certificate of a server', () => {
  let launcher: TestLauncher
  before(async () => {
    launcher = await testLauncher()
  })
  after(() => launcher?.close())

  async function start(key: { user: string; server: string }) {
    const { port } = await launcher.client.call('freePort', { ip: '127.0.0.1' })
    const environment = { JUPYTERHUB_USER: key.user, JUPYTERHUB_SERVICE_URL: `https://127.0.0.1:${port}/` }
    const asked = {
      key,
      as: 'own-account',
      command: [...launcher.command],
      environment,
      directory: '',
      limits: {},
    } as const
    const started = await launcher.client.call('start', { ...asked, command: [...launcher.command], tls: texts })
    const variables = await until('it is the program', async () => {
      const found = await findEnvironment(started.pid)
      return found?.get('JUPYTERHUB_SSL_KEYFILE') ? found : undefined
    })
    const [keyFile, certFile, caFile] = ['KEYFILE', 'CERTFILE', 'CLIENT_CA'].map(
      name => variables.get(`JUPYTERHUB_SSL_${name}`)!,
    )
    return { ...started, key, keyFile: keyFile!, certFile: certFile!, caFile: caFile! }
  }
  const stop = ({ key, pid, startTime }: Awaited<ReturnType<typeof start>>) =>
    launcher.client.call('stop', { key, pid, startTime, interruptMs: 0, terminateMs: 5_000 })

  it('lie where the environment says, for its user alone, until it ends', async () => {
    const server = await start({ user: 'ada', server: '' })
    assert.equal(readFileSync(server.keyFile, 'utf8'), texts.key)
    assert.equal(readFileSync(server.certFile, 'utf8'), texts.cert)
    assert.equal(readFileSync(server.caFile, 'utf8'), texts.ca)
    const { uid } = lstatSync(`/proc/${server.pid}`)
    for (const file of [server.keyFile, server.certFile, server.caFile]) {
      assert.equal(lstatSync(file).mode & 0o7777, 0o600)
      assert.equal(lstatSync(file).uid, uid)
    }
    if (isRoot()) {
      const gid = uid
      assert.equal(spawnSync('cat', [server.keyFile], { uid, gid, encoding: 'utf8' }).stdout, texts.key)
      assert.notEqual(spawnSync('cat', [server.keyFile], { uid: 4242, gid: 4242 }).status, 0)
      // Nothing of the user's making comes to lie beside them.
      for (const words of [
        ['touch', join(dirname(server.keyFile), 'x')],
        ['rm', server.keyFile],
      ]) {
        assert.notEqual(spawnSync(words[0]!, words.slice(1), { uid, gid }).status, 0, words.join(' '))
      }
    }
    await stop(server)
    await until('they are gone', () => !existsSync(dirname(server.keyFile)))
  })

  it('stay while a later launcher looks after it, and go when that one ends it', async () => {
    const server = await start({ user: 'ada', server: 'gpu' })
    await launcher.restart()
    assert.equal(readFileSync(server.keyFile, 'utf8'), texts.key)
    await stop(server)
    await until('they are gone', () => !existsSync(dirname(server.keyFile)))
  })

  it('of a server that ended while no launcher ran are removed at the next start', async () => {
    const server = await start({ user: 'ada', server: 'late' })
    await launcher.restart({ stateDir: join(launcher.folder, 'other'), tlsDir: join(launcher.folder, 'other-tls') })
    mkdirSync(join(launcher.options.tlsDir, 'ab'.repeat(16)))
    process.kill(server.pid, 'SIGKILL')
    await launcher.restart()
    await until('they are gone', () => readdirSync(launcher.options.tlsDir).length === 0)
  })

  it('of an earlier run are replaced', async () => {
    const first = await start({ user: 'ada', server: 'again' })
    const second = await start({ user: 'ada', server: 'again' })
    assert.notEqual(first.pid, second.pid)
    assert.equal(readFileSync(second.keyFile, 'utf8'), texts.key)
    await stop(second)
  })

  it('are not written through a link in the place of their folder', { skip: !isRoot() && 'needs root' }, async () => {
    const elsewhere = join(launcher.folder, 'elsewhere')
    mkdirSync(elsewhere)
    rmSync(launcher.options.tlsDir, { recursive: true, force: true })
    symlinkSync(elsewhere, launcher.options.tlsDir)
    await assert.rejects(start({ user: 'ada', server: 'led-astray' }), { code: 'folder_unsafe' })
    assert.deepEqual(readdirSync(elsewhere), [])
    rmSync(launcher.options.tlsDir)
    writeFileSync(launcher.options.tlsDir, '')
    await assert.rejects(start({ user: 'ada', server: 'led-astray' }), { code: 'folder_unsafe' })
  })
})
