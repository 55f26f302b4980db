/** Servers that are units outlive all of Orrery. On a machine that runs systemd; `systemd.test.ts` beside it has one. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { skipWithoutSystemd } from '../../../src/launcher/units/testing.ts'
import { freePorts } from '../../support/free-ports.ts'
import { HttpSession } from '../../support/http-session.ts'
import { type OrreryProcess, startOrrery } from '../../support/orrery-process.ts'
import { until } from '../../support/until.ts'

const UNIT = 'survives-uma.service'
const SERVER = join(import.meta.dirname, '../../support/tiny-server.py')

describe('a server that is a unit of systemd', { skip: skipWithoutSystemd, timeout: 300_000 }, () => {
  let orrery: OrreryProcess | undefined
  after(() => orrery?.stop())

  it('goes on when hub, launcher or all of Orrery are killed, stopped and started', async () => {
    const [hubPort] = await freePorts(1)
    const config = {
      authenticator: { kind: 'dummy' },
      access: { allowAll: true },
      spawner: { kind: 'systemd', accountPrefix: 'tsurv-', unitName: 'survives-{username}', privateTmp: true },
      servers: { cmd: ['/usr/bin/python3', SERVER], memLimit: '200M', pollInterval: 1 },
    }
    orrery = await startOrrery({ config, hubPort: hubPort! })
    const { dataDir } = orrery
    const again = (args: string[] = []) => startOrrery({ config, hubPort: hubPort!, dataDir, args })
    const uma = new HttpSession(orrery.url)
    await uma.signIn('uma', 'any')
    await uma.go('/hub/spawn/uma')
    await until('her server answers', () => answers(orrery!), 60_000)
    const pid = mainPid()
    assert.ok(pid > 0)
    assert.equal(property('Slice'), 'orrery-servers.slice')

    for (const part of ['hub', 'launcher'] as const) {
      await orrery.killPart(part)
      await until(`it answers after the end of the ${part}`, () => answers(orrery!))
    }
    await orrery.crash()
    assert.equal(mainPid(), pid)
    orrery = await again()
    await until('it answers after a crash', () => answers(orrery!))
    await orrery.stop({ keepData: true })
    assert.equal(mainPid(), pid)

    orrery = await again(['--stop-servers'])
    await until('it answers after a stop', () => answers(orrery!))
    assert.equal(mainPid(), pid)
    await orrery.stop({ keepData: true })
    assert.equal(property('LoadState'), 'not-found', 'asked for, it ends with Orrery, and nothing is left of the unit')
    orrery = await again()
  })
})

function property(name: string): string {
  return execFileSync('systemctl', ['show', `--property=${name}`, '--value', UNIT], { encoding: 'utf8' }).trim()
}

function mainPid(): number {
  return Number(property('MainPID'))
}

async function answers({ url }: OrreryProcess): Promise<boolean> {
  return (await fetch(`${url}/user/uma/api`, { redirect: 'manual' })).status === 200
}
