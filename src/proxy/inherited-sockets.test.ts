import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { BoundSocket } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { until } from '../../test/support/until.ts'
import { silentLogger } from '../core/runtime.ts'
import { inheritedSockets, listenEnvironment, withInheritedSockets } from './inherited-sockets.ts'
import { echo, startUpstream } from './testing/sockets.ts'
import { commandOf } from './testing/spawn-proxy.ts'

const bootstrap = join(import.meta.dirname, '..', '..', 'bin', 'orrery.mjs')

describe('inherited sockets', () => {
  it('are numbered from 3 and called by their names; one without a name is the public one', () => {
    const named = { LISTEN_FDS: '2', LISTEN_FDNAMES: 'api:public' }
    assert.deepEqual([...inheritedSockets(named, 7)], [['api', 3], ['public', 4]]) // biome-ignore format: pairs
    for (const names of [undefined, '', 'orrery.socket', 'unknown']) {
      assert.deepEqual([...inheritedSockets({ LISTEN_FDS: '1', LISTEN_FDNAMES: names }, 7)], [['public', 3]])
    }
    assert.deepEqual(listenEnvironment(['public', 'api']), { LISTEN_FDS: '2', LISTEN_FDNAMES: 'public:api' })
  })

  it('are none without the variables, or when they are meant for another process', () => {
    for (const env of [{}, { LISTEN_FDS: '' }, { LISTEN_FDS: 'x' }, { LISTEN_FDS: '1', LISTEN_PID: '8' }]) {
      assert.equal(inheritedSockets(env, 7).size, 0)
    }
    assert.equal(inheritedSockets({ LISTEN_FDS: '1', LISTEN_PID: '7' }, 7).size, 1)
  })

  it('are refused when two are the same, or one needs what is not given', () => {
    assert.throws(() => inheritedSockets({ LISTEN_FDS: '2', LISTEN_FDNAMES: 'x:y' }, 7), {
      code: 'proxy_options_invalid',
    })
    const any = { host: '127.0.0.1', port: 0 }
    const options = { listen: any, api: any, log: silentLogger }
    assert.throws(() => withInheritedSockets(options, new Map([['redirect', 3]])), { code: 'proxy_options_invalid' })
  })

  it('keep connections waiting while no proxy runs, and need no right to the port', async () => {
    await using upstream = await startUpstream(echo)
    using held = new BoundSocket({ host: '127.0.0.1', port: 0 })
    const { port } = held.address()
    const start = (program: string[]) =>
      spawn(process.execPath, [...program, '--api-port', '0', '--default-target', upstream.url], {
        stdio: ['ignore', 'pipe', 'inherit', held.fd()],
        env: { ...process.env, ...listenEnvironment(['public']), CONFIGPROXY_AUTH_TOKEN: 'secret' },
      })
    const first = start(commandOf('orrery'))
    await until('an answer', async () => (await fetch(`http://127.0.0.1:${port}/one`)).ok)
    const ended = once(first, 'exit')
    first.kill('SIGKILL')
    await ended

    const waiting = Promise.all(
      Array.from({ length: 20 }, () =>
        fetch(`http://127.0.0.1:${port}/two`, { signal: AbortSignal.timeout(20_000) }).then(answer => answer.status),
      ),
    )
    const second = start([bootstrap, 'proxy']) // by way of the bootstrap, which stands between systemd and the program
    try {
      assert.deepEqual(new Set(await waiting), new Set([200]))
    } finally {
      second.kill()
      await once(second, 'exit')
    }
  })

  it('are handed on by the bootstrap only when they are its own', () => {
    const program = `
      import { becomeProcess } from ${JSON.stringify(join(bootstrap, '..', 'bootstrap.mjs'))}
      process.env.LISTEN_FDS = '1'
      process.env.LISTEN_PID = process.argv[1] === 'own' ? String(process.pid) : '1'
      becomeProcess(process.execPath, ['-e', 'console.log(process.env.LISTEN_PID, require("fs").existsSync("/proc/self/fd/3") && require("fs").readlinkSync("/proc/self/fd/3"))'])`
    using held = new BoundSocket({ host: '127.0.0.1', port: 0 })
    const told = (whose: string) =>
      spawnSync(process.execPath, ['--input-type=module', '-e', program, whose], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'inherit', held.fd()],
      }).stdout
    assert.match(told('own'), /^undefined socket:/)
    assert.match(told('other'), /^1 (?!socket:)/)
  })
})
