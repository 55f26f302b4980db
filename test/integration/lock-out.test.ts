/** Guessing passwords is stopped for a name and for an address, and a restarted hub has not forgotten. */
import assert from 'node:assert/strict'
import { after, before, describe, it } from 'node:test'
import { HttpSession } from '../support/http-session.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'

const PASSWORD = 'orbit-of-17-moons'

describe('guessing passwords', () => {
  let orrery: OrreryProcess
  before(async () => {
    orrery = await startOrrery({
      config: {
        authenticator: { kind: 'dummy', password: PASSWORD },
        access: { allowAll: true },
        signIn: { failures: 3, lock: '1h' },
        servers: { cmd: ['/usr/bin/true'] },
      },
    })
  })
  after(() => orrery?.stop())

  /** From the address of the browser; a new one each time, so that cookies play no part. */
  const statusOf = async (name: string, password: string) =>
    (await new HttpSession(orrery.url).signIn(name, password)).status

  it('locks a name, whatever the password then, and over kill -9 of the hub', async () => {
    const guesses: number[] = []
    for (let n = 0; n < 4; n++) guesses.push(await statusOf('ann', `guess ${n}`))
    assert.deepEqual(guesses, [403, 403, 403, 429])

    await orrery.killPart('hub')

    const late = await new HttpSession(orrery.url).signIn('ann', PASSWORD)
    assert.equal(late.status, 429)
    assert.ok(Number(late.headers.get('retry-after')) > 3000)
    assert.equal(await statusOf('eve', PASSWORD), 200)
  })

  it('locks an address that tries many names, and over kill -9 of the hub', async () => {
    const guesses: number[] = []
    for (let n = 0; n < 12 && guesses.at(-1) !== 429; n++) guesses.push(await statusOf(`name-${n}`, 'guess'))
    assert.equal(guesses.at(-1), 429, `${guesses}`)

    await orrery.killPart('hub')

    assert.equal(await statusOf('eve', PASSWORD), 429)
  })
})
