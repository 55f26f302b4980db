/** On a machine that runs systemd; `test/integration/systemd.test.ts` runs it on one of its own. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { after, before, describe, it } from 'node:test'
import { until } from '../../../test/support/until.ts'
import type { Asked } from '../protocol.ts'
import { type LimitedServer, type LimitedServers, limitedServers } from '../testing-limits.ts'
import { skipWithoutSystemd, type TestUnits, unitsForTests } from './testing.ts'

const IP = '127.0.0.1'
const MEGABYTE = 1024 * 1024
const AS_NOBODY = ['--reuid=65534', '--regid=65534', '--clear-groups', '--']

describe('servers as units of systemd', { skip: skipWithoutSystemd }, () => {
  let units: TestUnits
  let servers: LimitedServers
  before(async () => {
    units = unitsForTests([
      ['PrivateTmp', 'yes'],
      ['PrivateDevices', 'yes'],
      ['NoNewPrivileges', 'yes'],
      ['ReadOnlyPaths', '/'],
      ['ReadWritePaths', '/srv/tmp/'],
      ['ReadWritePaths', '-/srv/kept-for-{username}'],
    ])
    servers = await limitedServers({ units: units.settings })
  })
  after(() => servers?.close())

  const start = (changes: Partial<Asked<'start'>> = {}) => servers.start({ unit: true, ...changes })
  const unitOf = ({ key }: LimitedServer) =>
    `${units.settings.name.replace('{username}', key.user).replace('{servername}', key.server)}.service`
  const poll = (server: LimitedServer) => server.ask('poll')
  const inside = (server: LimitedServer, script: string) =>
    spawnSync('nsenter', [`--target=${server.pid}`, '--mount', '--', 'sh', '-c', script], { encoding: 'utf8' })

  it('show nobody their secrets: not as properties, arguments or environment', async () => {
    const secret = 'a token that nobody else may see'
    const server = await start({ environment: { JUPYTERHUB_API_TOKEN: secret } })
    const unit = unitOf(server)

    for (const command of [
      ['systemctl', 'show', unit],
      ['systemctl', 'cat', unit],
      ['systemctl', 'status', unit],
      ['busctl', 'introspect', 'org.freedesktop.systemd1', objectPathOf(unit)],
      ['sh', '-c', `cat /proc/${server.pid}/cmdline /proc/${server.pid}/environ /run/systemd/transient/*`],
    ]) {
      const { stdout, stderr } = spawnSync('setpriv', [...AS_NOBODY, ...command], { encoding: 'utf8' })
      assert.ok(stdout.length > 0, `${command.join(' ')}: ${stderr}`)
      assert.ok(!stdout.includes(secret), command.join(' '))
    }
    assert.ok(readFileSync(`/proc/${server.pid}/environ`, 'utf8').includes(secret))
    await server.stop()
  })

  it('are shut off from what the site says', async () => {
    const server = await start()

    assert.match(readFileSync(`/proc/${server.pid}/status`, 'utf8'), /^NoNewPrivs:\s*1$/m)
    writeFileSync('/tmp/of-everybody', '')
    assert.notEqual(inside(server, 'test -e /tmp/of-everybody').status, 0)
    assert.notEqual(inside(server, 'test -e /dev/kmsg || test -b /dev/*').status, 0)
    assert.match(inside(server, 'touch /etc/x').stderr, /Read-only file system/)
    assert.equal(inside(server, 'touch /srv/tmp/x').status, 0)
    await server.stop()
  })

  it('lose a process that meets the limit of memory, and go on', async () => {
    const server = await start({ limits: { memoryBytes: 64 * MEGABYTE } })

    assert.deepEqual(await server.post('eat/256'), { ended: -9 })

    assert.deepEqual(await poll(server), { running: true })
    await server.stop()
  })

  it('end for want of memory when they meet it themselves, and it is told', async () => {
    const server = await start({ limits: { memoryBytes: 64 * MEGABYTE } })

    await server.post('eat-here/256').catch(() => {})

    await until('it has ended', async () => !(await poll(server)).running)
    assert.deepEqual(await poll(server), { running: false, exit: { signal: 'SIGKILL', reason: 'out_of_memory' } })
    await until('nothing remains', async () => (await units.remains()).length === 0)
  })

  it('are known to a launcher that was not there, how they ended too', async () => {
    const server = await start()
    await servers.launcher.restart()
    assert.deepEqual(await poll(server), { running: true })

    await servers.launcher.restart({}, () => process.kill(server.pid, 'SIGSEGV'))

    assert.deepEqual(await poll(server), { running: false, exit: { signal: 'SIGSEGV' } })
    assert.deepEqual(await poll(server), { running: false, exit: { signal: 'SIGSEGV' } })
  })

  it('take no name of a unit that the machine has, and take over that of one that nobody knows', async () => {
    const own = await start()
    const next = unitOf({ ...own, key: { ...own.key, server: `s${Number(own.key.server.slice(1)) + 1}` } })
    writeFileSync(`/run/systemd/system/${next}`, '[Service]\nExecStart=/bin/sleep 600\n')
    execFileSync('systemctl', ['start', next])
    await assert.rejects(start(), { code: 'unit_name_taken' })
    assert.equal(execFileSync('systemctl', ['is-active', next], { encoding: 'utf8' }).trim(), 'active')
    execFileSync('systemctl', ['stop', next])
    rmSync(`/run/systemd/system/${next}`)

    const after = next.replace(/s(\d+)\.service$/, (_, number) => `s${Number(number) + 1}.service`)
    execFileSync('systemd-run', ['--quiet', `--unit=${after}`, 'sleep', '600'])
    const taken = await start()
    assert.equal(unitOf(taken), after)
    assert.deepEqual(await poll(taken), { running: true })
    await Promise.all([own.stop(), taken.stop()])
    await until('nothing remains', async () => (await units.remains()).length === 0)
  })

  it('are refused with the words of systemd when they cannot be shut off so', async () => {
    const away: [string, string][] = [['ReadOnlyPaths', '/not/there']]
    await servers.launcher.restart({ units: unitsForTests(away).settings })

    await assert.rejects(start(), { code: 'unit_not_started', message: /status 226/ })
    await servers.launcher.restart()
  })

  it('are not started for a hub that expects processes, nor the other way round', async () => {
    await assert.rejects(servers.start(), { code: 'units_mismatch' })
    await servers.launcher.restart({ units: undefined })
    await assert.rejects(start(), { code: 'units_mismatch' })
    await servers.launcher.restart()
  })

  it("are adopted when JupyterHub's SystemdSpawner started them, by the name of the unit", async () => {
    const { client, command } = servers.launcher
    const { port } = await client.call('freePort', { ip: IP })
    const unit = units.settings.name.replace('{username}', 'eve').replace('{servername}', 'singleuser')
    const environment = ['JUPYTERHUB_USER=eve', `JUPYTERHUB_SERVICE_URL=http://${IP}:${port}/`]
    const flags = [
      '--service-type=exec',
      `--unit=${unit}`,
      '--quiet',
      '--uid=nobody',
      '--gid=nogroup',
      ...environment.map(pair => `--setenv=${pair}`),
    ]
    execFileSync('systemd-run', [...flags, ...command])
    const key = { user: 'eve', server: '' }

    assert.deepEqual(await client.call('poll', { key, unit }), { running: true })
    assert.partialDeepStrictEqual(await client.call('poll', { key: { user: 'bob', server: '' }, unit }), {
      running: false,
    })
    assert.deepEqual(await client.call('watch', { key, unit, ip: IP, port, waitMs: 20_000 }), { seen: 'listening' })
    // Whatever else a hub names, it is the unit of that server alone that ends.
    const pid = Number(execFileSync('systemctl', ['show', '--property=MainPID', '--value', unit], { encoding: 'utf8' }))
    await client.call('stop', { key, pid, unit: 'dbus', interruptMs: 0, terminateMs: 5000 })
    assert.equal(execFileSync('systemctl', ['is-active', 'dbus'], { encoding: 'utf8' }).trim(), 'active')
    assert.partialDeepStrictEqual(await client.call('poll', { key, unit }), { running: false })
  })
})

/** sd_bus_path_encode(3), as systemd names the objects of its units. */
function objectPathOf(unit: string): string {
  const encoded = unit.replace(/[^A-Za-z0-9]/g, character => `_${character.charCodeAt(0).toString(16)}`)
  return `/org/freedesktop/systemd1/unit/${encoded}`
}
