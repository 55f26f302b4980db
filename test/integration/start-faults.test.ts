/** What can stand in the way of a start: each is named in a sentence with a next step and an exit status of its own. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { after, before, describe, it } from 'node:test'
import { EXIT_CODES } from '../../src/cli/exit-codes.ts'
import {
  type EndedStart,
  nothingRuns,
  type OrreryRun,
  orreryProgram,
  runOrrery,
  writeConfig,
} from '../support/ended-start.ts'
import { HttpSession } from '../support/http-session.ts'
import { startOrrery } from '../support/orrery-process.ts'

const { unavailable, cannotCreate, temporary, permission, config: wrongConfig } = EXIT_CODES
const isRoot = process.getuid?.() === 0
const takesRoot = isRoot ? false : 'takes root'
const takesMounts = mayMount() ? false : 'takes root that may mount'
const takesNobody = nobodyRuns() ? false : 'takes root and a program that everybody can run'
const NOBODY = { uid: 65534, gid: 65534 }

describe('a start that cannot succeed', { concurrency: 2 }, () => {
  const base = mkdtempSync(join(tmpdir(), 'orrery-faults-'))
  chmodSync(base, 0o755)
  const used = join(base, 'used')
  after(() => rmSync(base, { recursive: true, force: true }))
  before(async () => {
    mkdirSync(used)
    const orrery = await startOrrery({ dataDir: used, config: trial() })
    assert.equal((await new HttpSession(orrery.url).signIn('ann', 'any')).status, 200)
    await orrery.stop({ keepData: true })
  })

  let count = 0
  /** A folder of its own with a config file; the data folder below it is not there yet. */
  async function place(config: Record<string, unknown> = {}): Promise<Place> {
    const dir = join(base, `at-${count++}`)
    mkdirSync(dir)
    const data = join(dir, 'data')
    const file = await writeConfig(join(dir, 'orrery.config.json'), config)
    const run = (more: Partial<OrreryRun> = {}) =>
      runOrrery({ ...more, args: [...(more.args ?? ['start']), '--data-dir', data, '--config', file] })
    return { dir, data, hub: join(data, 'hub'), database: join(data, 'hub', 'jupyterhub.sqlite'), file, run }
  }

  /** The same with the data folder of an Orrery that has run, and knows ann. */
  async function usedPlace(config: Record<string, unknown> = {}): Promise<Place> {
    const at = await place(config)
    execFileSync('cp', ['-a', used, at.data])
    return at
  }

  describe('for its ports', () => {
    for (const option of ['bindUrl', 'hub.bindUrl']) {
      it(`names the port of ${option} that another program has`, async () => {
        const other = createServer().listen(0, '127.0.0.1').unref()
        await once(other, 'listening')
        const { port } = other.address() as { port: number } // TCP
        const url = `http://127.0.0.1:${port}`
        const { dir, run } = await place(option === 'bindUrl' ? { bindUrl: url } : { hub: { bindUrl: url } })

        const ended = await run()

        await assertRefused(
          ended,
          dir,
          temporary.status,
          new RegExp(`Port ${port} on 127.0.0.1 is taken`),
          /choose ano/,
        )
      })
    }

    it('names an address that is none of this machine', async () => {
      const { dir, run } = await place({ bindUrl: 'http://192.0.2.1:8000' })
      const ended = await run()
      await assertRefused(ended, dir, wrongConfig.status, /192\.0\.2\.1 is no address of this machine/, /Change --port/)
    })
  })

  describe('for its data folder', () => {
    it('tells a file in its place', async () => {
      const { dir, data, run } = await place()
      writeFileSync(data, 'precious')
      await assertRefused(await run(), dir, cannotCreate.status, /data is not a folder/, /--data-dir/)
      assert.equal(readFileSync(data, 'utf8'), 'precious')
    })

    it('tells a file in the place of a folder in it', async () => {
      const { dir, data, run } = await place()
      mkdirSync(data)
      writeFileSync(join(data, 'log'), 'precious')
      await assertRefused(await run(), dir, cannotCreate.status, /data\/log is not a folder/, /Move it away/)
    })

    it('that somebody else owns is refused to root', { skip: takesRoot }, async () => {
      const { dir, data, run } = await place()
      mkdirSync(data)
      chownSync(data, NOBODY.uid, NOBODY.gid)
      await assertRefused(await run(), dir, permission.status, /can be changed by others than root/, /chown root/)
    })

    it('that somebody else owns is refused to a plain user', { skip: takesNobody }, async () => {
      const { dir, data, run } = await place()
      mkdirSync(data)
      const ended = await run({ user: NOBODY })
      await assertRefused(ended, dir, cannotCreate.status, /cannot be used: it may not be written/, /Give it to the/)
    })

    it('may lie on a disk that is mounted read-only', { skip: takesMounts }, async () => {
      const at = await place()
      await using _ = mounted(at.data, 'ro,size=1m')
      await assertRefused(await at.run(), at.dir, cannotCreate.status, /its file system is read-only/, /--data-dir/)
    })

    it('is used by one at a time', async () => {
      const { data, dir, file } = await usedPlace()
      const orrery = await startOrrery({ dataDir: data, config: trial() })
      const before = orrery.part('hub')
      const second = await runOrrery({ args: ['start', '--data-dir', data, '--config', file] })

      assert.equal(second.status, temporary.status)
      assert.match(second.stderr, /Another Orrery runs on .* \(process \d+\)\.\n +Stop it first/)
      assert.equal(orrery.part('hub')?.pid, before?.pid)
      assert.ok((await fetch(`${orrery.url}/hub/api/`)).ok)
      await orrery.stop({ keepData: true })
      await nothingRuns(dir)
    })

    it('may belong to another hub that runs alone on the same database', async () => {
      const first = await usedPlace()
      const second = await place({ dbUrl: `sqlite:///${first.database}` })
      const orrery = await startOrrery({ dataDir: first.data, config: trial() })
      const ended = await second.run({ args: ['hub'] })

      await assertRefused(ended, second.dir, temporary.status, /Another Orrery runs on .*\/hub/, /Stop it first/)
      assert.equal((await new HttpSession(orrery.url).signIn('ann', 'any')).status, 200)
      await orrery.stop({ keepData: true })
    })
  })

  describe('for a disk without space', { skip: takesMounts }, () => {
    for (const [free, title] of [
      [0, 'from the beginning'],
      [60_000, 'that lasts for the folders, not for the database'],
    ] as const) {
      it(`says so: ${title}`, async () => {
        const at = await place()
        await using disk = mounted(at.data, 'size=4m')
        disk.fill(free)
        await assertRefused(await at.run(), at.dir, cannotCreate.status, /no space left|is full/, /Free (some )?space/)

        disk.free()
        await works(at.data)
      })
    }

    it('says how much a Python environment takes', async () => {
      const at = await place({ servers: {} })
      await using _ = mounted(at.data, 'size=20m')
      await assertRefused(await at.run(), at.dir, cannotCreate.status, /MB free; 50 MB are needed/, /Free some space/)
    })
  })

  describe('for its database', () => {
    it('that is damaged leaves it as it is, and works with the restored one', async () => {
      const { dir, data, database, run } = await usedPlace()
      const good = readFileSync(database)
      const noise = randomBytes(40_000)
      writeFileSync(database, noise)

      await assertRefused(await run(), dir, unavailable.status, /is damaged.*jupyterhub\.sqlite/, /from a backup/)

      assert.deepEqual(readFileSync(database), noise)
      writeFileSync(database, good)
      await works(data)
    })

    it('that a newer JupyterHub made is left alone', async () => {
      const { dir, database, run } = await usedPlace()
      change(database, "update alembic_version set version_num = '0123456789ab'")
      const before = readFileSync(database)

      await assertRefused(await run(), dir, unavailable.status, /does not know \(0123456789ab\)/, /restore an older/)

      assert.deepEqual(readFileSync(database), before)
    })

    it('that holds something else is left alone', async () => {
      const { dir, database, run } = await usedPlace()
      change(database, 'drop table alembic_version')
      await assertRefused(await run(), dir, unavailable.status, /not those of a hub/, /Name an empty database/)
    })

    it('that may only be read is refused', { skip: takesRoot }, async () => {
      const { dir, data, hub, database, run } = await usedPlace()
      chownSync(database, 0, 0)
      chmodSync(database, 0o444)
      await assertRefused(
        await run(),
        dir,
        cannotCreate.status,
        /may not write .*sqlite, where the database/,
        /of its own/,
      )

      execFileSync('chown', ['--reference', hub, database])
      chmodSync(database, 0o600)
      await works(data)
    })

    it('that another program has locked is waited for, then named', async () => {
      const { dir, data, database, run } = await usedPlace()
      change(database, 'delete from roles') // so that there is something to write
      const other = hold(database)
      const ended = await run()

      await assertRefused(ended, dir, temporary.status, /held by another process \(sqlite/, /another program that has/)
      other.release()
      await works(data)
    })

    it('on PostgreSQL that does not answer is named without its password', async () => {
      const { dir, run } = await place({ dbUrl: 'postgresql://hub:orbit-17@127.0.0.1:1/hub' })
      const ended = await run()
      await assertRefused(ended, dir, unavailable.status, /does not answer .*hub:\*\*\*@127\.0\.0\.1:1/, /server runs/)
      assert.doesNotMatch(ended.stdout + ended.stderr, /orbit-17/)
    })

    it('in a folder that is not there is named', async () => {
      const { dir, run } = await place({ dbUrl: 'sqlite:////nonexistent/hub.sqlite' })
      await assertRefused(await run(), dir, unavailable.status, /cannot be opened .*nonexistent/, /folder of the file/)
    })
  })

  describe('for its secrets', () => {
    for (const [what, content, mode, status, said, next] of [
      ['of the wrong length', 'abc', 0o600, wrongConfig.status, /is not 64 hexadecimal digits/, /openssl rand/],
      [
        'that everybody reads',
        'ab'.repeat(32),
        0o644,
        permission.status,
        /logins could be forged/,
        /a new one is made/,
      ],
    ] as const) {
      it(`refuses a cookie secret ${what}, and leaves it`, async () => {
        const { dir, data, hub, run } = await usedPlace()
        const secret = join(hub, 'jupyterhub_cookie_secret')
        writeFileSync(secret, content)
        chmodSync(secret, mode)

        const ended = await run()

        await assertRefused(ended, dir, status, said, next)
        assert.equal(readFileSync(secret, 'utf8'), content)
        if (mode !== 0o600) assert.doesNotMatch(ended.stdout + ended.stderr, new RegExp(content))
        rmSync(secret)
        await works(data)
      })
    }

    it('tells a cookie secret that the hub may not read', { skip: takesRoot }, async () => {
      const { data, dir, hub, run } = await usedPlace()
      const secret = join(hub, 'jupyterhub_cookie_secret')
      chownSync(secret, NOBODY.uid, NOBODY.gid)
      await assertRefused(await run(), dir, permission.status, /cannot be read \(EACCES\)/, /with mode 600/)

      // Root's own, as JupyterHub has left it, is handed on.
      chownSync(secret, 0, 0)
      await works(data)
    })

    it('refuses an empty token of the proxy', async () => {
      const { dir, hub, run } = await usedPlace()
      writeFileSync(join(hub, 'proxy_auth_token'), '')
      await assertRefused(await run(), dir, permission.status, /proxy_auth_token is empty/, /Remove it/)
    })

    it('is none for routes that were kept and are damaged: the hub knows them', async () => {
      const { data, hub } = await usedPlace()
      writeFileSync(join(hub, 'proxy-routes.json'), randomBytes(500))
      await works(data)
    })
  })

  describe('for its configuration', () => {
    it('tells the line of a syntax error', async () => {
      const { dir, data } = await place()
      const file = join(dir, 'broken.config.ts')
      writeFileSync(file, 'export default {\n  baseUrl: \n}}\n')
      const ended = await runOrrery({ args: ['start', '--data-dir', data, '--config', file] })

      assert.equal(ended.status, wrongConfig.status)
      assert.match(ended.stderr, /^orrery: .*broken\.config\.ts, line \d: /)
      assert.doesNotMatch(ended.stderr, /^\s+at /m)
      assert.ok(!existsSync(data), 'nothing was made')
    })

    it('tells all faults at once, each with its path and the file', async () => {
      const { dir, data } = await place()
      const file = join(dir, 'wrong.config.json')
      writeFileSync(
        file,
        JSON.stringify({
          bindUrl: 8000,
          acces: {},
          access: { allowedUsers: ['ann', 7] },
          servers: { startTimeout: 'soon' },
          proxy: { authToken: 12 },
        }),
      )
      const ended = await runOrrery({ args: ['start', '--data-dir', data, '--config', file] })

      assert.equal(ended.status, wrongConfig.status)
      for (const said of [
        /bindUrl: expected .*got 8000/,
        /acces: unknown option, did you mean access\?/,
        /access\.allowedUsers\[1\]: expected a string, got 7/,
        /servers\.startTimeout: .*"soon"/,
        /proxy\.authToken: .*a value that is not shown/,
      ])
        assert.match(ended.stderr, new RegExp(`${said.source}.*\\(${file}\\)`))
      assert.match(ended.stderr, /orrery config docs/)
    })
  })

  describe('for its Python', { skip: takesMounts }, () => {
    const told = (version: number[], hasVenv: boolean) => `echo '["'$0'", ${JSON.stringify(version)}, ${hasVenv}]'`
    const whole = told([3, 11, 2], true)
    for (const [title, script, said, next] of [
      ['that is missing', undefined, /No Python was found/, /apt install python3/],
      ['that is too old', told([3, 8, 10], true), /Python 3\.8\.10 .* is too old/, /Install it/],
      ['without venv', told([3, 11, 2], false), /has no venv module/, /apt install python3-venv/],
      [
        'whose venv fails',
        `[ "$3" = venv ] || { ${whole}; exit; }; echo "ensurepip is not available" >&2; exit 1`,
        /could not make an environment: ensurepip is not available/,
        /python3-venv/,
      ],
      [
        'whose packages cannot be had',
        `case "$3" in
          venv) mkdir -p "$4/bin" && cp "$0" "$4/bin/python" ;;
          pip) echo "ERROR: No matching distribution found for jupyterhub" >&2; exit 1 ;;
          *) ${whole} ;;
        esac`,
        /pip could not install .*: No matching distribution/,
        /needs the network/,
      ],
    ] as const) {
      it(`says what to do about one ${title}`, async () => {
        const { dir, data, run } = await place({ servers: {} })
        const bin = join(dir, 'bin')
        mkdirSync(bin)
        if (script) writeFileSync(join(bin, 'python3'), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
        const ended = await run({ before: WITHOUT_PYTHON, env: { PATH: `${bin}:/usr/sbin:/usr/bin:/sbin:/bin` } })

        await assertRefused(ended, dir, unavailable.status, said, next)
        // What was begun is no environment, and the next start makes it anew.
        const begun = join(data, 'python')
        assert.ok(
          !existsSync(begun) || execFileSync('find', [begun, '-name', '*complete*'], { encoding: 'utf8' }) === '',
        )
      })
    }
  })
})

interface Place {
  readonly dir: string
  readonly data: string
  readonly hub: string
  readonly database: string
  readonly file: string
  run(more?: Partial<OrreryRun>): Promise<EndedStart>
}

function trial() {
  return { authenticator: { kind: 'dummy' }, access: { allowAll: true }, servers: { cmd: ['/usr/bin/true'] } }
}

/** Exit status, one sentence and a next step on standard error, no stack, nothing running. */
async function assertRefused(ended: EndedStart, dir: string, status: number, said: RegExp, next: RegExp) {
  const told = ended.stderr.trimEnd().split('\n')
  assert.equal(ended.status, status, ended.stdout + ended.stderr)
  assert.match(told[0]!, said)
  assert.match(told[0]!, /^orrery: /)
  assert.match(told.slice(1).join('\n'), next)
  assert.equal(told.length, 2, `more than a sentence and a step:\n${ended.stderr}`)
  assert.doesNotMatch(ended.stdout + ended.stderr, /^\s+at |node:internal|\.ts:\d+/m)
  assert.doesNotMatch(ended.stdout, /error/)
  await nothingRuns(dir)
}

/** Nothing was damaged: the same folder serves who signs in. */
async function works(dataDir: string): Promise<void> {
  const orrery = await startOrrery({ dataDir, config: trial() })
  try {
    assert.equal((await new HttpSession(orrery.url).signIn('ann', 'any')).status, 200)
  } finally {
    await orrery.stop({ keepData: true })
  }
}

function change(database: string, statement: string): void {
  const { uid, gid } = ownerOf(database)
  const db = new DatabaseSync(database)
  db.exec(statement)
  db.close()
  chownSync(database, uid, gid)
}

function hold(database: string): { release(): void } {
  const db = new DatabaseSync(database)
  db.exec('begin exclusive')
  return { release: () => db.close() }
}

function ownerOf(path: string): { uid: number; gid: number } {
  const [uid, gid] = execFileSync('stat', ['-c', '%u %g', path], { encoding: 'utf8' }).split(' ').map(Number)
  return { uid: uid!, gid: gid! }
}

/** A small disk of its own. */
function mounted(at: string, options: string) {
  mkdirSync(at, { recursive: true })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `mode=755,${options}`, 'tmpfs', at])
  return {
    fill(leaveBytes: number) {
      spawnSync('dd', ['if=/dev/zero', `of=${at}/filler`, 'bs=4096'])
      if (leaveBytes > 0) spawnSync('truncate', ['--size', `-${leaveBytes}`, `${at}/filler`])
    },
    free: () => rmSync(`${at}/filler`),
    async [Symbol.asyncDispose]() {
      execFileSync('umount', ['--lazy', at])
    },
  }
}

/** A program in front of another, which then sees no Python of the system's. */
const WITHOUT_PYTHON = [
  'unshare',
  '--mount',
  'sh',
  '-c',
  'for p in /usr/bin/python* /usr/local/bin/python*; do [ -e "$p" ] && mount --bind /dev/null "$p"; done; exec "$@"',
  'sh',
]

function mayMount(): boolean {
  return isRoot && spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0
}

function nobodyRuns(): boolean {
  const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups', process.execPath]
  return isRoot && spawnSync('setpriv', [...asNobody, '--check', orreryProgram]).status === 0
}
