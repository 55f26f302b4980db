/** Environment, limits and certificates reach the server, and nobody else. */
import assert from 'node:assert/strict'
import { request } from 'node:https'
import { it } from 'node:test'
import { preparePki } from '../../pki/internal/change-pki.ts'
import { openHubTls } from '../../pki/internal/hub-tls.ts'
import { LOCAL_NAMES, testPki } from '../../pki/internal/testing.ts'
import { askServer, connectionTo } from '../../spawning/ask-server.ts'
import { answers, NEVER, until } from './contract-server.ts'
import type { Suite } from './suite.ts'

const LIMITS = { memoryBytes: 512 * 1024 * 1024, cpus: 0.5 }
const FILE_VARIABLES = ['JUPYTERHUB_SSL_KEYFILE', 'JUPYTERHUB_SSL_CERTFILE', 'JUPYTERHUB_SSL_CLIENT_CA'] as const

export function whatAServerIsGiven(suite: Suite): void {
  it('gives the server the environment it was told to, and what its documentation says', async () => {
    const { spec, start, stop, environment } = suite.server()
    const address = await start()
    await answers(address, spec)

    const env = await environment(address)

    const given = spec.environment({ ip: address.host, port: address.port })
    for (const [name, value] of Object.entries(given)) assert.equal(env[name], value, name)
    const allowed = new Set([...Object.keys(given), ...suite.harness.ownVariables])
    assert.deepEqual(
      Object.keys(env).filter(name => !allowed.has(name)),
      [],
    )
    await stop()
  })

  it('holds a server to its limits, or says that it does not', async () => {
    const { spec, start, state, stop, progress } = suite.server()
    Object.assign(spec, { limits: LIMITS })

    await answers(await start(), spec)

    const held = (await suite.harness.limitsOf?.(state())) ?? {}
    for (const name of ['memoryBytes', 'cpus'] as const) {
      if (held[name] === undefined) assert.match(progress.join('\n'), /limit/i)
      else assert.equal(held[name], LIMITS[name], name)
    }
    await stop()
  })

  it('moves key and certificate to a server with internal TLS, which then lets in nobody without one', async () => {
    using pki = testPki()
    await preparePki(pki)
    const hub = openHubTls(pki)
    const other = { user: 'ada', server: 'x' }
    const { spec, start, state, stop } = suite.server({ tls: await hub.forServer(other, LOCAL_NAMES) })

    const address = await start()

    assert.equal(address.proto, 'https')
    const path = `${spec.prefix}api`
    const asked = { path, timeoutMs: 10_000, signal: NEVER }
    const tls = hub.toServer(other)
    await until('it answers the hub', async () => (await askServer(address, { ...asked, tls }))?.status === 200)
    assert.equal(await askServer(address, asked), undefined)
    assert.equal(await askServer({ ...address, proto: 'http' }, asked), undefined)
    const heir = await suite.harness.another()
    if (heir.address) assert.deepEqual(await heir.address(spec.key, state(), NEVER), address)

    const env = await environmentOver({ ...connectionTo(address, tls), path: `${spec.prefix}environment` })
    for (const name of FILE_VARIABLES) {
      assert.notEqual(await suite.harness.readableByOthers?.(env[name]!, state()), true, name)
    }
    await stop()
    await suite.nothingRemains()
  })
}

function environmentOver(options: object): Promise<Record<string, string>> {
  return new Promise((resolve, reject) => {
    const sent = request(options, async response => {
      const chunks = await response.setEncoding('utf8').toArray()
      resolve((JSON.parse(chunks.join('')) as { env: Record<string, string> }).env)
    })
    sent.on('error', reject)
    sent.end()
  })
}
