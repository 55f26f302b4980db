import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ensureDefaultRoles } from '../../access/role-grants.ts'
import { HubError } from '../../core/errors.ts'
import { type Logger, silentLogger } from '../../core/runtime.ts'
import type { Database } from '../../db/database.ts'
import { testDatabases } from '../../db/testing.ts'
import type { Authenticated, Authenticator, LoginAttempt, Refused } from '../../plugin/authenticator.ts'
import type { Hooks } from '../../plugin/hooks.ts'
import { testClock } from '../accounts/testing.ts'
import { createAuthStateStore } from '../users/auth-state.ts'
import { createUserNames } from '../users/user-names.ts'
import { findUser } from '../users/user-store.ts'
import { createSignIn, type SignInDeps } from './sign-in.ts'

const limits = { failures: 3, addressFailures: 12, windowMs: 600_000, lockMs: 300_000 }
const WRONG: Refused = { refused: 'wrong_credentials', message: 'Name or password is wrong.' }

for (const kind of testDatabases()) {
  describe(`sign-in on ${kind.name}`, () => {
    it('makes the user at the first time, as JupyterHub does, and finds them at the next', async () => {
      await withHub({ access: { allowAll: true } }, async ({ signIn, database, clock }) => {
        const first = await signIn('Ada', 'good')
        const second = await signIn('ada', 'good')

        assert.deepEqual(first, second)
        const row = await database.db.selectFrom('users').selectAll().executeTakeFirstOrThrow()
        assert.partialDeepStrictEqual(row, { name: 'ada', admin: false, last_activity: null, state: null })
        assert.match(row.cookie_id, /^[0-9a-f]{32}$/)
        assert.equal(new Date(`${row.created!.replace(' ', 'T')}Z`).getTime(), clock.now().getTime())
        assert.deepEqual(await rolesOf(database, 'ada'), ['user'])
      })
    })

    it('makes one user of many first sign-ins at once', async () => {
      await withHub({ access: { allowAll: true } }, async ({ signIn, database }) => {
        const outcomes = await Promise.all(Array.from({ length: 3 }, () => signIn('ada', 'good')))
        assert.ok(outcomes.every(outcome => 'user' in outcome))
        assert.equal((await database.db.selectFrom('users').selectAll().execute()).length, 1)
      })
    })

    it('makes administrators by the rules and by the word of the authenticator, and takes it only on its word', async () => {
      await withHub({ access: { allowAll: true, adminUsers: ['Ada'] } }, async ({ signIn, database, proves }) => {
        assert.partialDeepStrictEqual(await signIn('ada', 'good'), { user: { admin: true } })
        assert.deepEqual(await rolesOf(database, 'ada'), ['admin', 'user'])

        proves.set('bob', { name: 'bob', admin: true })
        assert.partialDeepStrictEqual(await signIn('bob', 'good'), { user: { admin: true } })
        proves.set('bob', { name: 'bob' })
        assert.partialDeepStrictEqual(await signIn('bob', 'good'), { user: { admin: true } })
        proves.set('bob', { name: 'bob', admin: false })
        assert.partialDeepStrictEqual(await signIn('bob', 'good'), { user: { admin: false } })
        assert.deepEqual(await rolesOf(database, 'bob'), ['user'])
      })
    })

    it('keeps groups exactly as the authenticator says where it manages them', async () => {
      const more = () => ({ manageGroups: true })
      await withHub({ access: { allowedGroups: ['physics'] }, more }, async ({ signIn, proves, database }) => {
        assert.partialDeepStrictEqual(await signIn('bob', 'good'), { refused: 'not_allowed', status: 403 })
        proves.set('ada', { name: 'ada', groups: ['physics', 'users', ''] })
        await signIn('ada', 'good')
        assert.deepEqual((await findUser(database.db, 'ada'))?.groups, ['physics', 'users'])
        proves.set('ada', { name: 'ada', groups: ['physics'] })
        await signIn('ada', 'good')
        assert.deepEqual((await findUser(database.db, 'ada'))?.groups, ['physics'])
        proves.set('ada', { name: 'ada', groups: [] })
        assert.partialDeepStrictEqual(await signIn('ada', 'good'), { refused: 'not_allowed' })
      })
    })

    it('keeps the auth state of the latest sign-in, and forgets it where none is kept', async () => {
      const storeOf = (database: Database) =>
        createAuthStateStore({ database, keys: [Buffer.alloc(32, 1)], clock: testClock(), log: silentLogger })
      const more = (database: Database) => ({ authState: storeOf(database) })

      await withHub({ access: { allowAll: true }, more }, async ({ hub, signIn, proves, database, clock }) => {
        const stateOf = async () => storeOf(database).read(1)
        proves.set('ada', { name: 'ada', authState: { token: 'one' } })
        await signIn('ada', 'good')
        assert.deepEqual(await stateOf(), { token: 'one' })
        await hub.admit({ name: 'ada', authState: { token: 'two' } }, '192.0.2.7')
        assert.deepEqual(await stateOf(), { token: 'two' })

        const deps = {
          database,
          names: createUserNames(),
          access: { allowAll: true },
          limits,
          log: silentLogger,
          clock,
        }
        await createSignIn({ ...deps, authenticator: { name: 'test' } }).admit({ name: 'ada' }, '192.0.2.7')
        assert.equal(await stateOf(), null)
      })
    })

    it('takes groups for the access rules alone where they are not managed', async () => {
      await withHub({ access: { allowedGroups: ['physics'] } }, async ({ signIn, proves, database }) => {
        proves.set('ada', { name: 'ada', groups: ['physics'] })
        assert.partialDeepStrictEqual(await signIn('ada', 'good'), { user: { name: 'ada' } })
        assert.deepEqual(await database.db.selectFrom('groups').selectAll().execute(), [])
      })
    })

    it('lets nobody in while groups are managed and the authenticator tells none', async () => {
      const more = () => ({ manageGroups: true })
      await withHub({ access: { allowAll: true }, more }, async ({ signIn, logged }) => {
        assert.partialDeepStrictEqual(await signIn('ada', 'good'), { refused: 'groups_not_told', status: 503 })
        assert.match(logged.join(), /tells no groups/)
      })
    })

    it('gives exactly the roles that the authenticator tells, marks them as its own, and removes those nobody holds', async () => {
      const more = () => ({ manageRoles: { keep: new Set(['user', 'kept']) } })
      await withHub({ access: { allowAll: true }, more }, async ({ signIn, proves, database }) => {
        const { db } = database
        const roles = async () =>
          (await db.selectFrom('roles').select(['name', 'scopes', 'managed_by_auth']).orderBy('id').execute()).slice(4)
        await signIn('bob', 'good')
        await signIn('ada', 'good')
        assert.deepEqual(await rolesOf(database, 'ada'), ['user'])

        const reader = { name: 'reader', scopes: ['list:users'], users: ['bob', 'nobody'] }
        proves.set('ada', { name: 'ada', roles: [{ name: 'user' }, reader, { name: 'kept', scopes: ['shutdown'] }] })
        await signIn('ada', 'good')
        assert.deepEqual(await rolesOf(database, 'ada'), ['kept', 'reader', 'user'])
        assert.deepEqual(await rolesOf(database, 'bob'), ['reader', 'user'])
        const marks = await db.selectFrom('user_role_map').select('managed_by_auth').where('user_id', '=', 2).execute()
        assert.deepEqual(marks.map(({ managed_by_auth }) => managed_by_auth).sort(), [false, true, true])
        assert.deepEqual(await roles(), [
          { name: 'reader', scopes: '["list:users"]', managed_by_auth: true },
          { name: 'kept', scopes: '["shutdown"]', managed_by_auth: true },
        ])

        proves.set('ada', { name: 'ada', roles: [{ name: 'reader', scopes: ['read:hub'], users: [] }] })
        await signIn('ada', 'good')
        assert.deepEqual(await rolesOf(database, 'ada'), ['reader'])
        assert.deepEqual(await rolesOf(database, 'bob'), ['user'])
        proves.set('ada', { name: 'ada', roles: [] })
        await signIn('ada', 'good')
        assert.deepEqual(await rolesOf(database, 'ada'), [])
        assert.deepEqual(
          (await roles()).map(({ name }) => name),
          ['kept'],
        )

        for (const wrong of [{ name: 'A' }, { name: 'odd', scopes: ['fly'] }, { name: 'admin', scopes: ['self'] }]) {
          proves.set('ada', { name: 'ada', roles: [wrong] })
          await assert.rejects(signIn('ada', 'good'), { code: 'managed_role_invalid', status: 409 })
        }
      })
    })

    it('asks the site once somebody may enter, and takes its word', async () => {
      const asked: unknown[] = []
      const postAuth: Hooks['postAuth'] = async (proven, { address }) => {
        asked.push([proven, address])
        if (proven.name === 'bob') throw new HubError('not_today', { status: 403, message: 'Come back tomorrow.' })
        if (proven.name === 'eve') throw new Error('secret detail')
        if (proven.name === 'odd') return { ...proven, name: 'a/b' }
        return { ...proven, admin: true }
      }
      const access = { allowedUsers: ['ada', 'bob', 'eve', 'odd'], adminUsers: ['odd'] }
      await withHub({ access, more: () => ({ hooks: { postAuth } }) }, async ({ signIn, database, logged }) => {
        assert.partialDeepStrictEqual(await signIn('mallory', 'good'), { refused: 'not_allowed' })
        assert.partialDeepStrictEqual(await signIn('ada', 'wrong'), WRONG)
        assert.deepEqual(asked, [])
        assert.partialDeepStrictEqual(await signIn('ada', 'good'), { user: { name: 'ada', admin: true } })
        assert.deepEqual(asked, [[{ name: 'ada' }, '192.0.2.7']])

        assert.partialDeepStrictEqual(await signIn('bob', 'good'), { refused: 'not_today', status: 403 })
        const failed = await signIn('eve', 'good')
        assert.partialDeepStrictEqual(failed, { refused: 'hook_failed', status: 503 })
        assert.ok(!JSON.stringify(failed).includes('secret'))
        assert.match(logged.join(), /secret detail/)
        assert.partialDeepStrictEqual(await signIn('odd', 'good'), { refused: 'hook_failed' })
        assert.deepEqual(asked.at(-1), [{ name: 'odd', admin: true }, '192.0.2.7'])
        assert.deepEqual(await database.db.selectFrom('users').select('name').execute(), [{ name: 'ada' }])
      })
    })

    it('makes one auth state of what is told and what is kept', async () => {
      const storeOf = (database: Database) =>
        createAuthStateStore({ database, keys: [Buffer.alloc(32, 1)], clock: testClock(), log: silentLogger })
      const reconcileAuthState: Hooks['reconcileAuthState'] = (proven, kept) => {
        if (proven.authState === 'broken') throw new Error('secret detail')
        return { ...(kept as object), ...(proven.authState as object) }
      }
      const more = (database: Database) => ({ authState: storeOf(database), hooks: { reconcileAuthState } })
      await withHub({ access: { allowAll: true }, more }, async ({ signIn, proves, database }) => {
        for (const authState of [{ first: 1 }, { second: 2 }]) {
          proves.set('ada', { name: 'ada', authState })
          await signIn('ada', 'good')
        }
        assert.deepEqual(await storeOf(database).read(1), { first: 1, second: 2 })
        proves.set('ada', { name: 'ada', authState: 'broken' })
        assert.partialDeepStrictEqual(await signIn('ada', 'good'), { refused: 'hook_failed' })
        assert.deepEqual(await storeOf(database).read(1), { first: 1, second: 2 })
      })
    })

    it('locks nobody where a proxy in front says who it is', async () => {
      const more = () => ({
        authenticator: {
          name: 'test',
          login: { kind: 'request' } as const,
          authenticate: async ({ headers }: LoginAttempt) => (headers['x-user'] ? { name: headers['x-user'] } : WRONG),
        },
      })
      await withHub({ access: { allowAll: true }, more }, async ({ hub }) => {
        const visit = (headers: Record<string, string>) => hub.attempt({ form: {}, address: '192.0.2.7', headers })
        for (let n = 0; n < limits.failures * 10; n++) assert.partialDeepStrictEqual(await visit({}), WRONG)
        assert.partialDeepStrictEqual(await visit({ 'x-user': 'ada' }), { user: { name: 'ada' } })
      })
    })

    it('makes no user of one who is refused', async () => {
      await withHub({ access: { blockedUsers: ['ada'], allowAll: true } }, async ({ signIn, database }) => {
        assert.partialDeepStrictEqual(await signIn('ada', 'good'), { refused: 'user_blocked' })
        assert.partialDeepStrictEqual(await signIn('bob', 'wrong'), WRONG)
        assert.deepEqual(await database.db.selectFrom('users').select('name').execute(), [])
      })
    })

    it('locks a name after failures, whether it exists or not, also for the right password, until the time is over', async () => {
      await withHub({ access: { allowAll: true } }, async ({ signIn, clock }) => {
        await signIn('ada', 'good')
        for (const name of ['ada', 'nobody']) {
          for (let n = 0; n < limits.failures; n++) await signIn(name, 'wrong', `192.0.2.${n}`)
        }

        const locked = { refused: 'too_many_failures', status: 429, retryAfter: 300 }
        assert.partialDeepStrictEqual(await signIn('ADA', 'good', '198.51.100.1'), locked)
        assert.deepEqual(await signIn('ada', 'good', '198.51.100.1'), await signIn('nobody', 'x', '198.51.100.1'))
        clock.advance(limits.lockMs)
        assert.partialDeepStrictEqual(await signIn('ada', 'good'), { user: { name: 'ada' } })
      })
    })

    it('locks an address that fails with many names, also between good sign-ins of its own', async () => {
      await withHub({ access: { allowAll: true } }, async ({ signIn }) => {
        let tries = 0
        let outcome = await signIn('guess-0', 'wrong')
        while (!('refused' in outcome && outcome.refused === 'too_many_failures')) {
          assert.ok(++tries < 100)
          if (tries % 3 === 0) await signIn('mallory', 'good')
          outcome = await signIn(`guess-${tries}`, 'wrong')
        }
        assert.equal(tries, limits.failures * 4)
        assert.partialDeepStrictEqual(await signIn('ada', 'good', '198.51.100.1'), { user: { name: 'ada' } })
      })
    })

    it('does not lock out a class behind one address whose members mistype once and then get in', async () => {
      await withHub({ access: { allowAll: true } }, async ({ signIn }) => {
        for (let n = 0; n < limits.addressFailures * 2; n++) {
          await signIn(`student-${n}`, 'wrong')
          assert.partialDeepStrictEqual(await signIn(`student-${n}`, 'good'), { user: { name: `student-${n}` } })
        }
      })
    })

    it('forgets the failures of a name that signs in', async () => {
      await withHub({ access: { allowAll: true } }, async ({ signIn }) => {
        for (let n = 0; n < 10; n++) {
          await signIn('ada', 'wrong', `192.0.2.${n}`)
          await signIn('ada', 'wrong', `192.0.2.${n}`)
          assert.partialDeepStrictEqual(await signIn('ada', 'good', `192.0.2.${n}`), { user: { name: 'ada' } })
        }
      })
    })

    it('does not count what was no guess: a provider that is down, an account that waits', async () => {
      await withHub({ access: { allowAll: true } }, async ({ signIn, proves, logged }) => {
        for (let n = 0; n < 9; n++) {
          proves.set('ada', new Error('connection refused'))
          assert.partialDeepStrictEqual(await signIn('ada', 'good'), { refused: 'sign_in_unavailable', status: 503 })
          proves.set('ada', new HubError('too_busy', { status: 503, message: 'Busy.' }))
          assert.partialDeepStrictEqual(await signIn('ada', 'good'), { refused: 'too_busy', message: 'Busy.' })
          proves.set('ada', { refused: 'waiting_for_approval', message: 'Wait.', countsAsFailure: false })
          assert.partialDeepStrictEqual(await signIn('ada', 'good'), { refused: 'waiting_for_approval' })
        }
        assert.ok(logged.some(line => line.includes('connection refused')))
      })
    })

    it('logs each refusal once, with its code, never the password', async () => {
      await withHub({ access: {} }, async ({ signIn, logged }) => {
        await signIn('ada', 'wrong-secret-1')
        await signIn('ada', 'good')
        await signIn('x'.repeat(5000), 'wrong-secret-2')

        assert.equal(logged.length, 3)
        assert.match(logged[0]!, /"user":"ada","address":"192.0.2.7","code":"wrong_credentials"/)
        assert.match(logged[1]!, /not_allowed/)
        assert.ok(logged[2]!.length < 500)
        assert.ok(!logged.join().includes('secret') && !logged.join().includes('good'))
      })
    })

    it('refuses names that cannot be users, whoever vouches for them', async () => {
      await withHub({ access: { allowAll: true } }, async ({ signIn, proves, database }) => {
        for (const name of ['a/b', '..', '%2e%2e', '', ' ', 'a\nb', 'a\0b', 'x'.repeat(256), '.', '\ud800']) {
          proves.set('someone', { name, allowed: true, admin: true })
          assert.partialDeepStrictEqual(await signIn('someone', 'good'), { refused: 'invalid_user_name' })
        }
        assert.deepEqual(await database.db.selectFrom('users').select('name').execute(), [])
      })
    })

    it('maps names before it looks at rules, and holds them against the pattern', async () => {
      const names = createUserNames({ map: { 'ada.l': 'ada' }, pattern: /^[a-z]+$/ })
      await withHub({ access: { allowedUsers: ['ada'] }, names }, async ({ signIn }) => {
        assert.partialDeepStrictEqual(await signIn('Ada.L', 'good'), { user: { name: 'ada' } })
        assert.partialDeepStrictEqual(await signIn('ada2', 'good'), { refused: 'invalid_user_name' })
      })
    })

    it('leaves no user behind when the authenticator cannot make its account', async () => {
      const userAdded = async () => {
        throw new HubError('no_such_account', { status: 500, message: 'There is no Linux account of this name.' })
      }
      await withHub({ access: { allowAll: true }, userAdded }, async ({ signIn, database }) => {
        const refused = { refused: 'no_such_account', message: 'There is no Linux account of this name.' }
        assert.partialDeepStrictEqual(await signIn('ada', 'good'), refused)
        assert.deepEqual(await database.db.selectFrom('users').select('name').execute(), [])
      })
    })

    it('counts tries for plug-ins', async () => {
      await withHub({ access: {} }, async ({ hub, clock }) => {
        for (let n = 0; n < limits.failures; n++) assert.equal(await hub.throttle('reset:ada'), undefined)
        assert.deepEqual(await hub.throttle('reset:ada'), { retryAfter: 300 })
        assert.equal(await hub.throttle('reset:bob'), undefined)
        clock.advance(limits.lockMs)
        assert.equal(await hub.throttle('reset:ada'), undefined)
      })
    })
  })

  type Proof = Authenticated | Refused | Error
  async function withHub(
    options: Pick<SignInDeps, 'access'> & {
      names?: SignInDeps['names']
      userAdded?: Authenticator['userAdded']
      more?: (database: Database) => Partial<SignInDeps>
    },
    body: (given: {
      hub: ReturnType<typeof createSignIn>
      signIn: (
        username: string,
        password: string,
        address?: string,
      ) => ReturnType<ReturnType<typeof createSignIn>['attempt']>
      proves: Map<string, Proof>
      database: Database
      clock: ReturnType<typeof testClock>
      logged: string[]
    }) => Promise<void>,
  ): Promise<void> {
    const database = await kind.open()
    await ensureDefaultRoles(database.db)
    const clock = testClock()
    const logged: string[] = []
    const proves = new Map<string, Proof>()
    const hub = createSignIn({
      database,
      authenticator: {
        name: 'test',
        async authenticate({ form: { username = '', password } }) {
          const proof = proves.get(username) ?? { name: username }
          if (proof instanceof Error) throw proof
          return password === 'good' ? proof : WRONG
        },
        ...(options.userAdded && { userAdded: options.userAdded }),
      },
      names: options.names ?? createUserNames(),
      access: options.access,
      limits,
      log: listLogger(logged),
      clock,
      ...options.more?.(database),
    })
    const signIn = (username: string, password: string, address = '192.0.2.7') =>
      hub.attempt({ form: { username, password }, address, headers: {} })
    await body({ hub, signIn, proves, database, clock, logged })
    await database.close()
  }
}

async function rolesOf({ db }: Database, user: string): Promise<string[]> {
  const rows = await db
    .selectFrom('user_role_map')
    .innerJoin('users', 'users.id', 'user_role_map.user_id')
    .innerJoin('roles', 'roles.id', 'user_role_map.role_id')
    .select('roles.name')
    .where('users.name', '=', user)
    .orderBy('roles.name')
    .execute()
  return rows.map(row => row.name)
}

/** Collects what is logged as warnings and errors. */
function listLogger(lines: string[]): Logger {
  const add = (fields: object, message: string) => {
    const text = JSON.stringify(fields, (_, value) => (value instanceof Error ? value.message : value))
    lines.push(`${text} ${message}`)
  }
  const log: Logger = { debug: () => {}, info: () => {}, warn: add, error: add, child: () => log }
  return log
}
