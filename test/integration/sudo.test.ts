/** The sudo spawner as its commands install it: nothing of Orrery is root. What servers stand: `survives/sudo.test.ts`. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { listProcesses } from '../../src/launcher/processes/process-info.ts'
import { cannotSudo, type SudoSite, sudoSite } from '../../src/spawners/sudo/testing.ts'
import { HttpSession } from '../support/http-session.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { personWithServer } from '../support/own-server.ts'
import { singleUserCommand } from '../support/python-env.ts'
import { until } from '../support/until.ts'

const BIN = join(import.meta.dirname, '../../bin/orrery.mjs')

describe('a hub without root', { skip: cannotSudo }, () => {
  let site: SudoSite
  let orrery: OrreryProcess | undefined
  before(async () => {
    site = await sudoSite()
  })
  after(async () => {
    await orrery?.stop()
    await site?.close()
  })
  const cli = (...args: string[]) => execFileSync(process.execPath, [BIN, ...args], { encoding: 'utf8' })

  it('starts and stops a server through the rule and the helper that its commands make', async () => {
    const { helper, hubUser, users, folder, sudoersPath } = site
    const spawner = { kind: 'sudo', helper }
    const forRoot = join(folder, 'orrery.config.json')
    writeFileSync(forRoot, JSON.stringify({ spawner, servers: { cmd: singleUserCommand() } }))
    cli('install-sudo-helper', '--hub-user', hubUser.name, '--config', forRoot)
    const rule = cli('sudoers', '--hub-user', hubUser.name, '--group', users.group, '--helper', helper)
    writeFileSync(sudoersPath, rule, { mode: 0o440 })
    const alice = users.name('alice')
    const doctor = cli('doctor', 'sudo', '--user', alice, '--config', forRoot, '--json')
    const { findings } = JSON.parse(doctor) as { findings: { item: string; level: string }[] }
    assert.deepEqual(
      findings.filter(({ level }) => level !== 'ok'),
      [],
    )

    const config = {
      ...{ authenticator: { kind: 'dummy' }, access: { allowAll: true }, spawner },
      servers: { preload: 'auto' },
    }
    orrery = await startOrrery({ config, uid: hubUser.uid, args: ['--stop-servers'] })
    const session = new HttpSession(orrery.url)
    await session.signIn(alice, 'any')
    await session.go('/hub/home')
    const prepared = await until('a start is prepared', () => namedOf(alice, 'orrery-preload'), 60_000)
    await personWithServer(orrery.url, alice)
    const processes = listProcesses().filter(({ pid }) => sessionsOf(alice).includes(pid))
    const own = processes.find(({ parent }) => parent === prepared)
    assert.ok(own)
    const beside = listProcesses().find(({ parent }) => parent === own.pid)
    assert.equal(beside && readFileSync(`/proc/${beside.pid}/comm`, 'utf8').trim(), 'orrery-kernels')
    for (const part of ['hub', 'proxy', 'launcher'] as const) assert.equal(orrery.part(part)?.uid, hubUser.uid, part)

    await orrery.stop({ keepData: true })
    await until('it has ended', () => sessionsOf(alice).length === 0)
  })
})

/** The process of a user that calls itself so. */
function namedOf(user: string, name: string): number | undefined {
  return sessionsOf(user).find(pid => readFileSync(`/proc/${pid}/comm`, 'utf8').trim() === name)
}

/** Ids of the sessions that a user's processes lead. */
function sessionsOf(user: string): number[] {
  const uid = Number(execFileSync('id', ['-u', user], { encoding: 'utf8' }))
  return listProcesses()
    .filter(info => info.uid === uid && !info.ended && info.session === info.pid)
    .map(info => info.pid)
}
