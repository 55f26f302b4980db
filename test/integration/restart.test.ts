/** Ending Orrery, by a stop or by a kill, ends nobody's server, unless that was asked for. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { freePorts } from '../support/free-ports.ts'
import { HttpSession } from '../support/http-session.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { readProcess } from '../support/processes.ts'
import { singleUserCommand } from '../support/python-env.ts'
import { until } from '../support/until.ts'

describe('a server of somebody who works', () => {
  let orrery: OrreryProcess | undefined
  after(() => orrery?.stop())

  it('goes on over a stop and a crash of Orrery, and ends with --stop-servers', async () => {
    const [hubPort] = await freePorts(1)
    const config = {
      authenticator: { kind: 'dummy' },
      access: { allowAll: true },
      spawner: { kind: 'local', accountPrefix: 'trestart-' },
      servers: { cmd: singleUserCommand() },
    }
    orrery = await startOrrery({ config, hubPort: hubPort! })
    const { dataDir } = orrery
    const again = (args: string[] = []) => startOrrery({ config, hubPort: hubPort!, dataDir, args })
    const uma = new HttpSession(orrery.url)
    await uma.signIn('uma', 'any')
    await uma.go('/hub/spawn/uma')
    await until('her server is open', () => isOpen(uma), 120_000)
    const server = serverPid(dataDir)

    await orrery.stop({ keepData: true })
    assert.ok(readProcess(server), 'the server goes on without a hub')
    orrery = await again()
    const afterStop = sameVisitor(uma, orrery.url)
    assert.match((await afterStop.go('/hub/home')).at, /\/hub\/home$/, 'still signed in')
    assert.equal(await isOpen(afterStop), true)

    await orrery.crash()
    assert.ok(readProcess(server), 'the server goes on after a crash')
    orrery = await again(['--stop-servers'])
    assert.equal(await isOpen(sameVisitor(uma, orrery.url)), true)
    assert.equal(serverPid(dataDir), server, 'it is still the same process')

    await orrery.stop({ keepData: true })
    assert.equal(readProcess(server), undefined, 'asked for, the server ends with Orrery')
  })
})

async function isOpen(visitor: HttpSession): Promise<boolean> {
  return new URL((await visitor.go('/user/uma/lab')).at).pathname.startsWith('/user/uma/lab')
}

/** Orrery comes back on another port; a browser sends the cookies of a host to all of its ports. */
function sameVisitor(visitor: HttpSession, url: string): HttpSession {
  const next = new HttpSession(url)
  next.setCookie('jupyterhub-hub-login', visitor.cookie('jupyterhub-hub-login')!, '/hub/')
  next.setCookie('jupyterhub-session-id', visitor.cookie('jupyterhub-session-id')!, '/')
  return next
}

function serverPid(dataDir: string): number {
  const folder = join(dataDir, 'launcher/records')
  const [record] = readdirSync(folder).map(
    name => JSON.parse(readFileSync(join(folder, name), 'utf8')) as { pid: number },
  ) // the launcher's own
  return record!.pid
}
