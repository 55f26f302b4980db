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
        signIn: { failures: 3, addressFailures: 12, tokenFailures: 5, codeFailures: 3, lock: '1h' },
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

  it('stops guesses of invitations for the person, and over kill -9 of the hub', async () => {
    const session = new HttpSession(orrery.url)
    await session.signIn('eve', PASSWORD)
    const answers: number[] = []
    const guess = async (code: string) => (await session.once(`/hub/accept-share?code=${code}`)).status
    for (let n = 0; n < 5; n++) answers.push(await guess(`guess-${n}`))
    assert.deepEqual(answers, [404, 404, 404, 429, 429])

    await orrery.killPart('hub')

    assert.equal(await guess('guess-9'), 429)
  })

  it('stops guesses of tokens from an address, but not those who have one, and over kill -9 of the hub', async () => {
    const ask = (token: string) => fetch(`${orrery.url}/hub/api/user`, { headers: { authorization: `token ${token}` } })
    const session = new HttpSession(orrery.url)
    await session.signIn('eve', PASSWORD)
    const made = await session.once(`/hub/api/users/eve/tokens?_xsrf=${encodeURIComponent(session.cookie('_xsrf')!)}`, {
      method: 'POST',
    })
    const { token } = (await made.json()) as { token: string } // what the API documents
    const guesses: number[] = []
    for (let n = 0; n < 7; n++) guesses.push((await ask(`guess-${n}`)).status)
    assert.deepEqual(guesses, [403, 403, 403, 403, 403, 429, 429])
    assert.equal((await ask(token)).status, 200)

    await orrery.killPart('hub')

    const late = await ask('short-but-perhaps-right')
    assert.equal(late.status, 429)
    assert.ok(Number(late.headers.get('retry-after')) > 3000)
    assert.equal((await ask(token)).status, 200)
    assert.equal((await ask('f'.repeat(32))).status, 429)
  })

  it('locks an address that tries many names, and over kill -9 of the hub', async () => {
    const guesses: number[] = []
    for (let n = 0; n < 12 && guesses.at(-1) !== 429; n++) guesses.push(await statusOf(`name-${n}`, 'guess'))
    assert.equal(guesses.at(-1), 429, `${guesses}`)

    await orrery.killPart('hub')

    assert.equal(await statusOf('eve', PASSWORD), 429)
  })
})
