import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, readFileSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Answers } from '../protocol.ts'
import { type TestLauncher, testLauncher } from '../testing.ts'
import { type TestUsers, testUsers } from '../testing-users.ts'

const skip = process.getuid?.() === 0 ? false : 'only root can become another user'
const ip = '127.0.0.1'

interface Inside {
  uid: number
  groups: number[]
  cwd: string
  umask: number
  env: Record<string, string>
}

describe('whom a server runs as', { skip }, () => {
  let launcher: TestLauncher
  let users: TestUsers
  before(async () => {
    users = testUsers()
    launcher = await testLauncher()
  })
  after(async () => {
    await launcher?.close()
    users?.close()
  })

  async function start(
    user: string,
    as: 'linux-user' | 'own-account' = 'linux-user',
  ): Promise<Answers['start'] & { port: number }> {
    const { port } = await launcher.client.call('freePort', { ip })
    const environment = { JUPYTERHUB_USER: user, JUPYTERHUB_SERVICE_URL: `http://${ip}:${port}/` }
    const key = { user, server: '' }
    const command = [...launcher.command]
    return {
      ...(await launcher.client.call('start', { key, as, command, environment, directory: '', limits: {} })),
      port,
    }
  }

  async function lookInside(user: string, as?: 'linux-user' | 'own-account'): Promise<Inside> {
    const { pid, startTime, port } = await start(user, as)
    const claim = { key: { user, server: '' }, pid, startTime }
    await launcher.client.call('watch', { ...claim, ip, port, waitMs: 20_000 })
    const inside = (await (await fetch(`http://${ip}:${port}/environment`)).json()) as Inside
    await launcher.client.call('stop', { ...claim, interruptMs: 5000, terminateMs: 5000 })
    return inside
  }

  it('is the Linux user of that name, with all its groups, in its home, with nothing of root', async () => {
    const alice = users.name('alice')
    const inside = await lookInside(alice)

    const groups = execFileSync('id', ['-G', alice], { encoding: 'utf8' }).trim().split(' ').map(Number)
    assert.equal(inside.uid, Number(execFileSync('id', ['-u', alice], { encoding: 'utf8' })))
    assert.deepEqual(inside.groups.toSorted(), groups.toSorted())
    assert.equal(inside.cwd, `/home/${alice}`)
    assert.equal(inside.umask, 0o022)
    assert.partialDeepStrictEqual(inside.env, {
      HOME: `/home/${alice}`,
      USER: alice,
      LOGNAME: alice,
      SHELL: '/bin/bash',
    })
    assert.equal(inside.env.SUDO_USER, undefined)
  })

  it('is never root, nor a user of the system, nor a uid in the place of a name', async () => {
    await assert.rejects(start('root'), { code: 'root_refused' })
    await assert.rejects(start('daemon'), { code: 'system_user_refused' })
    await assert.rejects(start('0'), { code: 'linux_user_missing' })
    await assert.rejects(start('no-such-user'), { code: 'linux_user_missing' })
    await assert.rejects(start('-s'), { code: 'linux_user_missing' })
  })

  it('is not the user of the hub itself', async () => {
    const bob = users.name('bob')
    const uid = Number(execFileSync('id', ['-u', bob], { encoding: 'utf8' }))
    await launcher.restart({ allowUids: [uid] })

    await assert.rejects(start(bob), { code: 'hub_user_refused' })

    await launcher.restart()
  })

  it('is nobody without a login shell', async () => {
    const carol = users.name('carol')
    execFileSync('usermod', ['--shell', '/usr/sbin/nologin', carol])

    await assert.rejects(start(carol), { code: 'shell_disabled' })

    execFileSync('usermod', ['--shell', '/bin/bash', carol])
  })

  it('needs a home that is there and can be written', async () => {
    const bob = users.name('bob')
    renameSync(`/home/${bob}`, `/home/${bob}.away`)
    await assert.rejects(start(bob), { code: 'home_missing', message: new RegExp(`/home/${bob}`) })
    renameSync(`/home/${bob}.away`, `/home/${bob}`)

    chmodSync(`/home/${bob}`, 0o500)
    await assert.rejects(start(bob), { code: 'home_not_writable' })
    chmodSync(`/home/${bob}`, 0o000)
    await assert.rejects(start(bob), { code: 'home_not_readable' })
    chmodSync(`/home/${bob}`, 0o700)
  })

  it('enters a home behind a symbolic link with the rights of the user alone', async () => {
    const bob = users.name('bob')
    renameSync(`/home/${bob}`, `/home/${bob}.away`)
    symlinkSync('/root', `/home/${bob}`)

    await assert.rejects(start(bob), { code: 'home_not_readable' })

    rmSync(`/home/${bob}`)
    renameSync(`/home/${bob}.away`, `/home/${bob}`)
  })

  it('is a Linux user made for the account, whatever its name', async () => {
    const { accountPrefix, homesDir } = launcher.options
    for (const account of ['root', users.name('alice'), '../../etc', 'Ada Lovelace']) {
      const inside = await lookInside(account, 'own-account')
      assert.ok(inside.uid >= 1000)
      assert.match(inside.env.USER ?? '', new RegExp(`^${accountPrefix}`))
      assert.equal(inside.cwd, join(homesDir, inside.env.USER ?? ''))
      assert.equal(statSync(inside.cwd).mode & 0o777, 0o700)
    }
    assert.equal((await lookInside('root', 'own-account')).env.USER, `${accountPrefix}root`)
  })

  it('is never a Linux user that was there before', async () => {
    const taken = `${launcher.options.accountPrefix}x`
    execFileSync('useradd', ['--no-create-home', taken])
    try {
      await assert.rejects(start('x', 'own-account'), { code: 'linux_user_not_ours' })
    } finally {
      execFileSync('userdel', [taken])
    }
  })

  it('is not given a home that somebody prepared', async () => {
    const home = join(launcher.options.homesDir, `${launcher.options.accountPrefix}y`)
    symlinkSync('/root', home)
    await assert.rejects(start('y', 'own-account'), { code: 'home_exists' })
    rmSync(home)
    // The failed try left no record, so a user made by hand later is not taken for ours.
    execFileSync('useradd', ['--no-create-home', '--home-dir', home, `${launcher.options.accountPrefix}y`])
    await assert.rejects(start('y', 'own-account'), { code: 'linux_user_not_ours' })
    execFileSync('userdel', [`${launcher.options.accountPrefix}y`])
  })

  it('is made once, for many requests at once', async () => {
    const made = await Promise.all(
      Array.from({ length: 4 }, () => launcher.client.call('makeAccount', { name: 'zoe' })),
    )
    assert.deepEqual(made.map(answer => answer.made).toSorted(), [false, false, false, true])
  })

  it('cannot read the logs and records of the launcher', async () => {
    const { stateDir } = launcher.options
    assert.equal(statSync(stateDir).mode & 0o777, 0o700)
    const { uid } = await lookInside('root', 'own-account')
    assert.notEqual(uid, statSync(stateDir).uid)
    assert.ok(readFileSync('/proc/self/status', 'utf8').includes('Uid:\t0'))
  })
})
