/** What nobody with good manners sends, through the public port: refused with the right status, and nothing told. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { testDatabases } from '../../src/db/testing.ts'
import { runOrrery } from '../support/ended-start.ts'
import { HttpSession } from '../support/http-session.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { rawRequest, sendRaw } from '../support/raw-request.ts'
import { until } from '../support/until.ts'

const PASSWORD = 'orbit-of-17-moons'
/** What no client may ever see: stacks, files of ours, words of the drivers. */
// A transfer coding or a version that nobody speaks (RFC 9112 6.1, RFC 9110 15.6.6).
const REFUSALS: ReadonlySet<number> = new Set([501, 505])
const INTERNALS =
  /\bat \S+ \(|node:internal|node_modules|\/src\/|\.ts:\d|SQLITE|kysely|jupyterhub\.sqlite|syntax error at/

for (const kind of testDatabases()) {
  describe(`hostile input, on ${kind.name}`, () => {
    const programs = mkdtempSync(join(tmpdir(), 'orrery-hostile-'))
    let database: Awaited<ReturnType<typeof kind.create>>
    let orrery: OrreryProcess
    let host: string
    let token: string
    let hubPid: number
    const ann = { session: undefined as unknown as HttpSession }
    const eve = { session: undefined as unknown as HttpSession }
    const faults: string[] = []

    before(async () => {
      chmodSync(programs, 0o777)
      // Tells what it was given and never answers: the client of its OAuth exists as long as it is starting.
      const cmd = join(programs, 'jupyterhub-singleuser')
      writeFileSync(
        cmd,
        `#!/bin/sh\nenv > ${programs}/env.new && mv ${programs}/env.new ${programs}/env\nexec sleep 600\n`,
      )
      chmodSync(cmd, 0o755)
      database = await kind.create()
      orrery = await startOrrery({
        config: {
          ...(kind.name === 'PostgreSQL' && { dbUrl: database.url }),
          authenticator: { kind: 'dummy', password: PASSWORD },
          access: { allowAll: true, adminUsers: ['ann'] },
          servers: { cmd: [cmd], allowNamedServers: true, startTimeout: 600 },
        },
        args: ['--stop-servers'],
      })
      host = new URL(orrery.url).host
      hubPid = orrery.part('hub')!.pid
      for (const [name, who] of [
        ['ann', ann],
        ['eve', eve],
      ] as const) {
        who.session = new HttpSession(orrery.url)
        assert.match((await who.session.signIn(name, PASSWORD)).at, /\/hub\/home$/)
      }
      const config = join(orrery.dataDir, 'orrery.config.json')
      const made = await runOrrery({ args: ['token', 'ann', '--data-dir', orrery.dataDir, '--config', config] })
      token = made.stdout.trim()
      assert.match(token, /^[0-9a-f]{32}$/, made.stderr)
    })
    after(async () => {
      await orrery?.stop()
      await database?.drop()
      rmSync(programs, { recursive: true })
    })

    /** Sends a request that no browser would, and looks at what must hold for every answer. */
    async function send(lines: readonly string[], body = '') {
      const answer = await sendRaw(orrery.url, rawRequest([lines[0]!, `Host: ${host}`, ...lines.slice(1)], body))
      check(lines[0]!, answer)
      return answer
    }

    function check(what: string, { status, text }: { status: number; text: string }): void {
      if (status === 0 || (status >= 500 && !REFUSALS.has(status))) faults.push(`${what.slice(0, 120)} -> ${status}`)
      const leak = INTERNALS.exec(text)
      if (leak) faults.push(`${what.slice(0, 120)} tells ${leak[0]}`)
    }

    function noFaults(): void {
      assert.deepEqual(faults.splice(0), [])
    }

    const asAdmin = (): string => `Authorization: token ${token}`
    const json = async (method: string, path: string, body: unknown, headers: Record<string, string> = {}) => {
      const text = typeof body === 'string' ? body : JSON.stringify(body)
      const answer = await fetch(orrery.url + path, {
        method,
        headers: { authorization: `token ${token}`, 'content-type': 'application/json', ...headers },
        ...(method !== 'GET' && { body: text }),
      })
      const said = await answer.text()
      check(`${method} ${path} ${text.slice(0, 60)}`, { status: answer.status, text: said })
      return { status: answer.status, text: said, headers: answer.headers }
    }
    const logs = () =>
      readdirSync(join(orrery.dataDir, 'log'))
        .map(name => readFileSync(join(orrery.dataDir, 'log', name), 'utf8'))
        .join('')

    const NAMES = {
      '%2f': 'a%2fb',
      'dot segments': '%2e%2e%2f%2e%2e%2fetc%2fpasswd',
      'two dots': '..',
      'escaped dots': '%2e%2e',
      NUL: 'a%00b',
      'no UTF-8': '%ff%fe',
      'a lone surrogate': '%ed%a0%80',
      'a stray percent': '%zz',
      'right to left': '%E2%80%AEnimda',
      'a homoglyph': '%D0%B0nn',
      '256 characters': 'x'.repeat(256),
      '9000 characters': 'x'.repeat(9000),
      '300 emoji': '%F0%9F%AA%90'.repeat(300),
      markup: '%3Cscript%3Ealert(1)%3C%2Fscript%3E',
      SQL: "'%20or%201=1;drop%20table%20users;--",
      prototype: '__proto__',
      'line ends': 'a%0d%0aSet-Cookie:%20owned=1',
      backslash: '..%5c..%5cwindows',
      'a template': '%7B%7B7*7%7D%7D',
      'a number': '99999999999999999999',
    }

    it('names in addresses reach nothing and break nothing', async () => {
      const api = (name: string) => [
        ...['GET', 'PATCH', 'DELETE'].map(method => `${method} /hub/api/users/${name}`),
        ...['POST', 'DELETE'].map(method => `${method} /hub/api/users/${name}/server`),
        ...['POST', 'DELETE', 'PATCH'].map(method => `${method} /hub/api/users/ann/servers/${name}`),
        ...['GET', 'POST'].map(method => `${method} /hub/api/users/${name}/tokens`),
        `GET /hub/api/users/${name}/server/progress`,
        `GET /hub/api/users/ann/servers/${name}/progress`,
        `GET /hub/api/users/ann/tokens/${name}`,
        `DELETE /hub/api/users/ann/tokens/${name}`,
        `POST /hub/api/users/${name}/activity`,
        ...['GET', 'DELETE'].map(method => `${method} /hub/api/groups/${name}`),
        ...['POST', 'DELETE'].map(method => `${method} /hub/api/groups/${name}/users`),
        `GET /hub/api/services/${name}`,
        `GET /hub/api/authorizations/token/${name}`,
        `GET /hub/api/authorizations/cookie/jupyterhub-hub-login/${name}`,
      ]
      const pages = (name: string) => [
        `GET /user/${name}/lab`,
        `POST /user/${name}/api`,
        `GET /user/ann/${name}/lab`,
        `GET /hub/user/${name}/`,
        `GET /hub/spawn/${name}`,
        `GET /hub/spawn/ann/${name}`,
        `GET /hub/spawn-pending/${name}`,
        `GET /hub/spawn-pending/ann/${name}`,
        `GET /hub/user-redirect/${name}`,
        `GET /hub/error/${name}`,
        `GET /hub/static/${name}`,
        `GET /hub/static/../../${name}`,
        `GET /hub/${name}`,
        `GET /${name}`,
        `GET /hub/login?next=${name}&username=${name}`,
      ]
      const cookie = `Cookie: ${cookiesOf(ann.session)}`
      for (const name of Object.values(NAMES)) {
        for (const target of api(name)) {
          const { status } = await send([`${target} HTTP/1.1`, asAdmin(), 'Content-Length: 0'])
          // Dots are resolved as in any address; what is left is another one.
          if (status < 400 && !/\/(\.|%2e){2}$/i.test(target)) faults.push(`${target.slice(0, 100)} -> ${status}`)
        }
        for (const target of pages(name)) {
          for (const who of [cookie, 'Accept: text/html']) {
            const { text } = await send([`${target} HTTP/1.1`, who, 'Content-Length: 0'])
            if (/^set-cookie: owned/im.test(text.slice(0, text.indexOf('\r\n\r\n'))) || /<script>alert/i.test(text))
              faults.push(`${target} injects`)
            if (/root:x:0|\b49\b<\/|windows/i.test(bodyOf(text)) && !/windows/.test(name))
              faults.push(`${target} reads`)
          }
        }
      }
      for (const id of ['a99999999999', 'a-1', 'a1e9', 'o99999999999']) {
        for (const method of ['GET', 'DELETE']) {
          const { status } = await send([`${method} /hub/api/users/ann/tokens/${id} HTTP/1.1`, asAdmin()])
          if (status !== 404 && status !== 400) faults.push(`${method} token ${id} -> ${status}`)
        }
      }
      noFaults()
    })

    it('names of new users and groups are held to the rules', async () => {
      const bad = ['a/b', '..', '%2e%2e', '', ' ann', 'x'.repeat(256), 'a\0b', '\ud800', 'tab\there\n']
      for (const name of bad) {
        const user = await json('POST', '/hub/api/users', { usernames: [name] })
        if (user.status !== 400) faults.push(`user ${JSON.stringify(name).slice(0, 30)} -> ${user.status}`)
      }
      for (const name of ['x'.repeat(256), 'a\0b']) {
        const group = await json('POST', `/hub/api/groups/${encodeURIComponent(name)}`, {})
        if (group.status !== 400) faults.push(`group ${JSON.stringify(name).slice(0, 30)} -> ${group.status}`)
        const patched = await json('PATCH', '/hub/api/users/eve', { name })
        if (patched.status !== 400) faults.push(`renamed ${JSON.stringify(name).slice(0, 30)} -> ${patched.status}`)
        for (const form of [
          { username: name, password: PASSWORD },
          { username: 'eve', password: name },
        ]) {
          const answer = await postLogin(new HttpSession(orrery.url), form)
          if (answer.status !== 403) faults.push(`sign-in as ${JSON.stringify(form).slice(0, 40)} -> ${answer.status}`)
        }
      }
      // Odd and yet a name: it comes back as it was sent, and is another than the one it looks like.
      for (const name of ['аnn', 'jos\u00e9', '\u{1FA90}', "o'brien; drop table users", '__proto__', 'constructor']) {
        const path = `/hub/api/users/${encodeURIComponent(name)}`
        const made = await json('POST', path, {})
        if (made.status !== 201 || JSON.parse(made.text).name !== name)
          faults.push(`${name} -> ${made.status} ${made.text}`)
        const { status } = await json('DELETE', path, '')
        if (status !== 204) faults.push(`${name} is not deleted: ${status}`)
      }
      noFaults()
    })

    it('long or odd texts in bodies are refused or kept, never a fault of ours', async () => {
      for (const text of ['x'.repeat(5000), 'a\0b', '\ud800', '<script>alert(1)</script>']) {
        for (const [method, path, body] of [
          ['POST', '/hub/api/users/ann/tokens', { note: text, expires_in: 60 }],
          ['POST', '/hub/api/users/ann/tokens', { note: 'n', expires_in: text }],
          ['POST', '/hub/api/users/ann/tokens', { note: 'n', expires_in: 60, scopes: [text] }],
          ['POST', '/hub/api/users/ann/tokens', { note: 'n', expires_in: 60, roles: [text] }],
          [
            'POST',
            '/hub/api/users/ann/activity',
            { last_activity: text, servers: { [text]: { last_activity: text } } },
          ],
          ['PATCH', '/hub/api/users/ann/servers/gpu', { display_name: text }],
          ['POST', '/hub/api/users/nobody/servers/gpu', { display_name: text }],
          ['PUT', '/hub/api/groups/physics/properties', { [text]: text }],
          ['POST', '/hub/api/groups/physics/users', { users: [text] }],
          ['PATCH', '/hub/api/proxy', { ip: text, port: text }],
        ] as const) {
          await json(method, path, body)
        }
        for (const seconds of [-1, 0, 0.5, 1e9, 1e12, 1e18, 1e308, [], {}])
          await json('POST', '/hub/api/users/ann/tokens', { note: 'n', expires_in: seconds })
        for (const query of ['offset', 'limit', 'state', 'sort', 'name_filter', 'include_stopped_servers'])
          await json('GET', `/hub/api/users?${query}=${encodeURIComponent(text.toWellFormed())}`, '')
      }
      noFaults()
    })

    it('bodies that are no bodies are refused with 4xx', async () => {
      const deep = '['.repeat(200_000)
      for (const [body, statuses] of [
        ['{', [400]],
        ['nul', [400]],
        [deep, [400]],
        [`${'{"a":'.repeat(50_000)}1${'}'.repeat(50_000)}`, [400]],
        ['"text"', [400]],
        ['[1, 2]', [400]],
        ['{"usernames": "ann"}', [400]],
        ['{"usernames": {"length": 1}}', [400]],
        ['{"usernames": ["ok"], "usernames": []}', [400]],
        ['{"__proto__": {"admin": true}, "usernames": 1}', [400]],
        ['\u0000', [400]],
        [`{"usernames": ["${'x'.repeat(2_000_000)}"]}`, [413]],
      ] as const) {
        const { status } = await json('POST', '/hub/api/users', body)
        if (!statuses.includes(status as never)) faults.push(`${body.slice(0, 40)} -> ${status}`)
      }
      for (const type of [
        'text/plain',
        'application/x-www-form-urlencoded',
        'multipart/form-data',
        'x',
        '',
        ';;;',
        'application/json; charset=utf-7',
      ])
        await json('POST', '/hub/api/users', '{"usernames": 7}', { 'content-type': type })
      for (const [type, body] of [
        ['multipart/form-data', 'x'],
        ['multipart/form-data; boundary=', '--\r\n\r\n'],
        [
          'multipart/form-data; boundary=a',
          `--a\r\nContent-Disposition: form-data; name="username"\r\n\r\n${'x'.repeat(9000)}`,
        ],
        ['application/x-www-form-urlencoded', '%'.repeat(5000)],
        ['application/x-www-form-urlencoded', 'a=1&'.repeat(50_000)],
        ['application/x-www-form-urlencoded', '__proto__=1&constructor=2&toString=3&username=ann'],
        ['application/x-www-form-urlencoded', `username=${'x'.repeat(900_000)}`],
        ['application/json', '{"username": "ann"}'],
      ] as const) {
        for (const path of [
          '/hub/login',
          '/hub/spawn/ann',
          '/hub/token',
          '/hub/api/oauth2/token',
          '/hub/api/oauth2/authorize',
          '/hub/security/csp-report',
        ]) {
          const { status } = await send(
            [
              `POST ${path} HTTP/1.1`,
              `Cookie: ${cookiesOf(ann.session)}`,
              `Content-Type: ${type}`,
              `Content-Length: ${Buffer.byteLength(body)}`,
            ],
            body,
          )
          if (status < 400 && !path.endsWith('csp-report'))
            faults.push(`POST ${path} ${type} ${body.slice(0, 30)} -> ${status}`)
        }
      }
      noFaults()
    })

    it('heads that are too long, doubled or cut by line ends are refused', async () => {
      const long = 'x'.repeat(70_000)
      const get = 'GET /hub/login HTTP/1.1'
      for (const [lines, body, statuses] of [
        [[get, `X-Long: ${long}`], '', [431]],
        [[get, `Cookie: a=${long}`], '', [431]],
        [[`GET /hub/login?${long} HTTP/1.1`], '', [414, 431]],
        [[get, 'Host: evil.example'], '', [400]],
        [[get, 'X-Bad: a\nInjected: b\r: c'], '', [400]],
        [[get, 'Bad Name: a'], '', [400]],
        [[get, 'X-Bad: a\0b'], '', [400]],
        [['POST /hub/login HTTP/1.1', 'Content-Length: 5', 'Transfer-Encoding: chunked'], '0\r\n\r\n', [400]],
        [['POST /hub/login HTTP/1.1', 'Content-Length: 5', 'Content-Length: 6'], 'a=1&b', [400]],
        [['POST /hub/login HTTP/1.1', 'Content-Length: -1'], '', [400]],
        [['POST /hub/login HTTP/1.1', 'Content-Length: 0x5'], 'a=1&b', [400]],
        [['POST /hub/login HTTP/1.1', 'Transfer-Encoding: chunked, identity'], '0\r\n\r\n', [400, 501]],
        [['POST /hub/login HTTP/1.1', 'Transfer-Encoding: xchunked'], '0\r\n\r\n', [400, 501]],
        [['POST /hub/login HTTP/1.1', 'Transfer-Encoding: chunked'], 'zz\r\n\r\n', [400]],
        [['POST /hub/login HTTP/1.1', 'Transfer-Encoding : chunked'], '0\r\n\r\n', [400]],
        [['GET http://evil.example/hub/login HTTP/1.1'], '', [200, 400]],
        [['GET /hub/login HTTP/9.9'], '', [400, 505]],
        [['GET hub/login HTTP/1.1'], '', [400]],
        [['G@T /hub/login HTTP/1.1'], '', [400]],
        [['CONNECT evil.example:443 HTTP/1.1'], '', [400, 405]],
        [['TRACE /hub/login HTTP/1.1'], '', [405]],
      ] as const) {
        const { status, text } = await send(lines, body)
        if (!(statuses as readonly number[]).includes(status))
          faults.push(`${lines.join(' | ').slice(0, 100)} -> ${status}`)
        if ((text.match(/^HTTP\/1\.1 /gm) ?? []).length > 1)
          faults.push(`${lines.join(' | ').slice(0, 100)} was answered twice`)
      }
      const without = await sendRaw(orrery.url, rawRequest([get]))
      assert.equal(without.status, 400, 'no Host')
      noFaults()
    })

    it('forged, foreign and worn out credentials are nobody', async () => {
      const login = ann.session.cookie('jupyterhub-hub-login')!
      const forged = login.replace(/"?(.)"?$/, (_, last) => (last === '0' ? '1' : '0'))
      const expired = JSON.parse((await json('POST', '/hub/api/users/ann/tokens', { expires_in: 1 })).text)
        .token as string
      await until('the token has run out', async () => (await userStatus(`token ${expired}`)) === 403)
      for (const authorization of [
        `token ${randomBytes(16).toString('hex')}`,
        `token ${token}0`,
        `token ${token.slice(0, -1)}`,
        `token ${token.slice(0, 4)}${'0'.repeat(28)}`,
        `Bearer ${'x'.repeat(20_000)}`,
        'token ',
        'token',
        'token %00',
        "token ' or 1=1 --",
        `Basic ${Buffer.from(`ann:${PASSWORD}`).toString('base64')}`,
        `Digest username="ann"`,
        `token ${expired}`,
        `tok\u00e9n ${token}`,
      ]) {
        const { status } = await send(['GET /hub/api/user HTTP/1.1', `Authorization: ${authorization}`])
        if (status !== 403) faults.push(`${authorization.slice(0, 40)} -> ${status}`)
      }
      const cookie = 'jupyterhub-hub-login'
      for (const cookies of [
        `${cookie}=${forged}`,
        `${cookie}="2|1:0|10:1700000000|20:${cookie}|44:${'A'.repeat(44)}|${'0'.repeat(64)}"`,
        `${cookie}=${login.replace('hub-login', 'hub-logjn')}`,
        `${cookie}=`,
        `${cookie}`,
        `${cookie}=2|`,
        `${cookie}=${'|'.repeat(3000)}`,
        `${cookie}=%00%ff`,
        `__proto__=${login}; constructor=1`,
        `${'a=1; '.repeat(6000)}`,
        `=;;;=; "; ${cookie}="`,
        `${cookie}=\xff\xfe`,
        `_xsrf=${'x'.repeat(9000)}; jupyterhub-session-id=${'x'.repeat(9000)}`,
      ]) {
        const api = await send(['GET /hub/api/user HTTP/1.1', `Cookie: ${cookies}`])
        const page = await send(['GET /hub/home HTTP/1.1', `Cookie: ${cookies}`])
        if (api.status !== 403 || page.status !== 302)
          faults.push(`${cookies.slice(0, 50)} -> ${api.status}, ${page.status}`)
      }
      // The genuine one counts, wherever among others it stands.
      const among = await send([
        'GET /hub/home HTTP/1.1',
        `Cookie: ${cookie}=${forged}; ${cookie}=${login}; ${cookie}=x`,
      ])
      assert.equal(among.status, 200)
      noFaults()
    })

    it('requests from pages of other sites change nothing', async () => {
      const before = await whatEveHas()
      const xsrf = ann.session.cookie('_xsrf')!
      const fields = '{}'
      const form = 'Content-Type: text/plain'
      for (const [path, cookieOf, extra] of [
        ['/hub/spawn/eve', eve, []],
        [
          '/hub/spawn/eve',
          eve,
          ['Origin: https://evil.example', 'Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: navigate'],
        ],
        ['/hub/spawn/eve', eve, ['Origin: null', 'Sec-Fetch-Mode: cors']],
        ['/hub/spawn/eve', eve, [`X-XSRFToken: ${xsrf}`]],
        ['/hub/spawn/eve', eve, ['X-XSRFToken: x']],
        ['/hub/token', eve, []],
        ['/hub/api/users/eve/server', eve, []],
        ['/hub/api/users/eve/tokens', eve, ['Origin: https://evil.example']],
        ['/hub/api/users/eve/tokens', eve, ['Sec-Fetch-Site: cross-site', 'Sec-Fetch-Mode: no-cors']],
        ['/hub/api/oauth2/authorize', eve, []],
      ] as const) {
        const { status } = await send(
          [
            `POST ${path} HTTP/1.1`,
            `Cookie: ${cookiesOf(cookieOf.session)}`,
            form,
            `Content-Length: ${fields.length}`,
            ...extra,
          ],
          fields,
        )
        if (status !== 403) faults.push(`POST ${path} ${extra} -> ${status}`)
      }
      for (const mode of ['cors', 'no-cors']) {
        const { status } = await send([
          'GET /hub/api/users/eve HTTP/1.1',
          `Cookie: ${cookiesOf(eve.session)}`,
          `Sec-Fetch-Mode: ${mode}`,
          'Sec-Fetch-Site: cross-site',
        ])
        if (status !== 403) faults.push(`GET by ${mode} -> ${status}`)
      }
      assert.equal(await whatEveHas(), before)
      noFaults()
    })

    it('the way on after a login never leaves the site', async () => {
      for (const next of [
        '//evil.example',
        '///evil.example',
        '/\\evil.example',
        '\\\\evil.example',
        'https:evil.example',
        'https://evil.example',
        'https:/evil.example',
        'http:///evil.example',
        'javascript:alert(1)',
        'data:text/html,x',
        '/%0d%0aSet-Cookie:owned=1',
        '/\r\nSet-Cookie: owned=1',
        '/\t/evil.example',
        '\t//evil.example',
        ' //evil.example',
        `//${host}@evil.example`,
        `https://${host}.evil.example/`,
        '/..//evil.example',
        '/./\\evil.example',
        '/hub/../..//evil.example',
        '//evil%E3%80%82example',
        '/\u0000/evil.example',
      ]) {
        const session = new HttpSession(orrery.url)
        const answers = [
          await postLogin(session, { username: 'eve', password: PASSWORD }, `?next=${encodeURIComponent(next)}`),
          // Who is signed in already is sent on at once.
          await session.once(`/hub/login?next=${encodeURIComponent(next)}`),
        ]
        for (const answer of answers) {
          const location = answer.headers.get('location') ?? ''
          const to = URL.parse(location, orrery.url)
          if (
            answer.status !== 302 ||
            to?.host !== host ||
            answer.headers.getSetCookie().some(line => /owned/.test(line))
          )
            faults.push(`${JSON.stringify(next)} -> ${answer.status} ${location}`)
        }
      }
      noFaults()
    })

    it('what was typed comes back escaped, below a policy that runs no scripts of others', async () => {
      const payloads = [
        '"><script>alert(1)</script>',
        `'"><img src=x onerror=alert(1)>`,
        `{{7*7}}\${7*7}`,
        '</title><svg/onload=alert(1)>',
      ]
      for (const payload of payloads) {
        const escaped = encodeURIComponent(payload)
        const session = new HttpSession(orrery.url)
        const answers = [
          await postLogin(session, { username: payload, password: 'wrong' }, `?next=${escaped}`),
          ...(await Promise.all(
            [
              `/hub/login?username=${escaped}&next=${escaped}`,
              `/hub/${escaped}`,
              `/hub/error/404?url=${escaped}`,
              `/hub/error/503?url=/user/${escaped}/`,
              `/user/${escaped}/lab`,
              `/hub/spawn/${escaped}`,
              `/hub/spawn/ann?error=${escaped}`,
              `/hub/api/oauth2/authorize?client_id=${escaped}&redirect_uri=${escaped}&response_type=code`,
              `/hub/token?note=${escaped}`,
              `/hub/admin?name_filter=${escaped}`,
            ].map(path => ann.session.once(path)),
          )),
        ]
        for (const answer of answers) {
          const text = await answer.text()
          check(`${answer.status} for ${payload}`, { status: answer.status, text })
          if (/<script>alert|<img src=x|<svg\/onload|\b49\$/.test(text))
            faults.push(`${payload} comes back in a ${answer.status}`)
          const policy = answer.headers.get('content-security-policy') ?? ''
          if (!/default-src '(self|none)'/.test(policy) || /unsafe-(inline|eval)/.test(policy))
            faults.push(`policy ${policy}`)
          if (answer.headers.get('x-content-type-options') !== 'nosniff') faults.push('may be sniffed')
        }
      }
      noFaults()
    })

    it('methods that a path does not have, and upgrades, are refused', async () => {
      const cookie = `Cookie: ${cookiesOf(ann.session)}`
      for (const [target, statuses] of [
        ['DELETE /hub/login', [405]],
        ['PUT /hub/api/users/ann', [405]],
        ['POST /hub/api/info', [405]],
        ['PATCH /hub/home', [405]],
        ['POST /hub/logout', [405]],
        ['GET /hub/api/oauth2/token', [405]],
        ['HEAD /hub/spawn/ann', [405]],
        ['PROPFIND /hub/home', [400, 404, 405, 501]],
        ['FOO /hub/home', [400, 404, 405, 501]],
      ] as const) {
        const { status } = await send([
          `${target} HTTP/1.1`,
          cookie,
          'X-HTTP-Method-Override: GET',
          'Content-Length: 0',
        ])
        if (!(statuses as readonly number[]).includes(status)) faults.push(`${target} -> ${status}`)
      }
      for (const path of [
        '/hub/home',
        '/hub/login',
        '/hub/api/user',
        '/hub/',
        '/user/ann/api/kernels',
        '/hub/nothing',
      ]) {
        for (const upgrade of ['websocket', 'h2c', 'x']) {
          const { status } = await send([
            `GET ${path} HTTP/1.1`,
            cookie,
            `Upgrade: ${upgrade}`,
            'Connection: Upgrade',
            'Sec-WebSocket-Version: 13',
            `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
          ])
          if (status === 101) faults.push(`${path} became ${upgrade}`)
        }
      }
      noFaults()
    })

    it('a code of OAuth is good once, for its own client and address', async () => {
      const start = await json('POST', '/hub/api/users/ann/server', {})
      assert.equal(start.status, 202)
      const environment = await until('the server was given its secrets', () =>
        Object.fromEntries(
          readFileSync(join(programs, 'env'), 'utf8')
            .split('\n')
            .map(line => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
        ),
      )
      const client = environment.JUPYTERHUB_CLIENT_ID!
      const secret = environment.JUPYTERHUB_API_TOKEN!
      const redirectUri = environment.JUPYTERHUB_OAUTH_CALLBACK_URL!
      const authorize = async (more: Record<string, string> = {}) => {
        const query = new URLSearchParams({
          client_id: client,
          redirect_uri: redirectUri,
          response_type: 'code',
          state: 's',
          ...more,
        })
        const answer = await ann.session.once(`/hub/api/oauth2/authorize?${query}`)
        check(`authorize ${query}`, { status: answer.status, text: await answer.text() })
        return answer
      }
      const exchange = async (form: Record<string, string>) => {
        const answer = await fetch(`${orrery.url}/hub/api/oauth2/token`, {
          method: 'POST',
          body: new URLSearchParams({
            grant_type: 'authorization_code',
            client_id: client,
            client_secret: secret,
            redirect_uri: redirectUri,
            ...form,
          }),
        })
        const text = await answer.text()
        check('token', { status: answer.status, text })
        return { status: answer.status, text }
      }
      const newCode = async () =>
        new URL((await authorize()).headers.get('location')!, orrery.url).searchParams.get('code')!

      const code = await newCode()
      const [first, replayed] = [await exchange({ code }), await exchange({ code })]
      assert.deepEqual([first.status, replayed.status], [200, 400])
      assert.match(replayed.text, /invalid_grant/)
      const raced = await newCode()
      const race = await Promise.all([1, 2, 3, 4].map(() => exchange({ code: raced })))
      assert.deepEqual(race.map(({ status }) => status).sort(), [200, 400, 400, 400])
      for (const wrong of [
        { code: await newCode(), client_secret: 'x' },
        { code: await newCode(), client_id: 'jupyterhub-user-eve' },
        { code: await newCode(), redirect_uri: 'https://evil.example/' },
        { code: await newCode(), grant_type: 'password' },
        { code: 'a\0b' },
        { code: 'x'.repeat(5000) },
      ] as Record<string, string>[]) {
        const { status } = await exchange(wrong)
        if (status < 400) faults.push(`${JSON.stringify(wrong)} -> ${status}`)
      }
      for (const wrong of [
        { redirect_uri: 'https://evil.example/' },
        { redirect_uri: `${redirectUri}/../x` },
        { client_id: 'nobody' },
        { client_id: 'a\0b' },
        { response_type: 'token' },
        { scope: 'admin:users' },
      ] as Record<string, string>[]) {
        const answer = await authorize(wrong)
        const to = URL.parse(answer.headers.get('location') ?? '', orrery.url)
        if (answer.status < 400 && !to?.searchParams.has('error') && !('scope' in wrong))
          faults.push(`${JSON.stringify(wrong)} -> ${answer.status} ${to}`)
        if (to?.host === 'evil.example') faults.push(`${JSON.stringify(wrong)} leaves the site`)
      }
      await json('DELETE', '/hub/api/users/ann/server', '')
      assert.doesNotMatch(logs(), new RegExp([secret, code, raced].join('|')))
      noFaults()
    })

    it('who may not be seen looks as who does not exist', async () => {
      const eves = `Cookie: ${cookiesOf(eve.session)}`
      const plain = (text: string, name: string) =>
        text
          .replaceAll(name, 'NAME')
          .replaceAll(/^(date|set-cookie|content-length|etag):.*$/gim, '')
          .replaceAll(/\b[0-9a-z]{8,}\b|value="[^"]*"/gi, '')
      for (const [who, more] of [
        ['eve', [eves]],
        ['a visitor', []],
      ] as const) {
        for (const target of [
          'GET /hub/api/users/NAME',
          'GET /hub/api/users/NAME/tokens',
          'GET /hub/api/users/NAME/server',
          'GET /hub/api/users/NAME/shared',
          'GET /hub/api/shares/NAME/',
          'GET /hub/api/share-codes/NAME/',
          'GET /hub/user/NAME/lab',
          'GET /user/NAME/lab',
          'POST /user/NAME/api/contents',
          'GET /hub/spawn/NAME',
          'GET /hub/spawn-pending/NAME',
          'GET /hub/error/503?url=/user/NAME/lab',
        ]) {
          const [known, unknown] = await Promise.all(
            ['ann', 'qqq'].map(async name => {
              const answer = await send([`${target.replace('NAME', name)} HTTP/1.1`, ...more, 'Content-Length: 0'])
              return plain(answer.text, name)
            }),
          )
          if (known !== unknown) faults.push(`${target} tells ${who}:\n${known}\n---\n${unknown}`)
        }
      }
      const logins = await Promise.all(
        ['ann', 'qqq'].map(async name => {
          const answer = await postLogin(new HttpSession(orrery.url), { username: name, password: 'wrong' })
          return plain(`${answer.status} ${await answer.text()}`, name)
        }),
      )
      assert.equal(logins[0], logins[1])
      noFaults()
    })

    it('line ends and control characters do not reach the log or the terminal', async () => {
      const mark = `mark${randomBytes(4).toString('hex')}`
      const odd = `${mark}\r\n{"level":10}\u001b[31m\u009b2J\u2028end`
      await postLogin(new HttpSession(orrery.url), { username: odd, password: 'wrong' })
      await send([`GET /hub/api/users/${encodeURIComponent(odd)} HTTP/1.1`, asAdmin(), `User-Agent: \u00e9${mark}`])
      await json('POST', '/hub/api/users', { usernames: [odd] })
      const said = await until('it is logged', () => logs().includes(mark) && logs() + orrery.output())

      const lines = said.split('\n').filter(line => line.includes(mark))
      assert.deepEqual(
        // biome-ignore lint/suspicious/noControlCharactersInRegex: it is these that may not be there
        lines.filter(line => /[\u0000-\u001f\u007f-\u009f\u2028]/.test(line.replace(/^.*?(?=\{)/, ''))),
        [],
      )
      assert.ok(said.split('\n').every(line => !line.startsWith(`{"level":10}`)))
      noFaults()
    })

    it('each refusal is one line of the log', async () => {
      const mark = `mark${randomBytes(4).toString('hex')}`
      await send([`GET /hub/api/users/${mark} HTTP/1.1`, asAdmin()])
      await send([`GET /hub/api/groups/${mark}g HTTP/1.1`])
      await postLogin(new HttpSession(orrery.url), { username: `${mark}n`, password: 'wrong' })
      const lines = await until('the lines are there', () => {
        const found = logs()
          .split('\n')
          .filter(line => line.includes(mark))
        return found.length >= 3 && found
      })
      assert.equal(lines.length, 3, lines.join('\n'))
    })

    it('and then the hub is the same as before, and its logs hold no secret', async () => {
      assert.equal(orrery.part('hub')!.pid, hubPid)
      assert.ok((await fetch(`${orrery.url}/hub/api/`)).ok)
      assert.match((await ann.session.go('/hub/home')).at, /\/hub\/home$/)
      const secrets = [
        PASSWORD,
        token,
        ...['jupyterhub-hub-login', 'jupyterhub-session-id', '_xsrf'].flatMap(name =>
          [ann, eve].map(({ session }) => session.cookie(name)!),
        ),
      ]
      const text = logs() + orrery.output()
      for (const secret of secrets)
        assert.ok(!text.includes(secret.replaceAll('"', '')), `the logs hold ${secret.slice(0, 12)}`)
      assert.deepEqual(
        text.split('\n').filter(line => /unexpected|"level":[56]0/.test(line)),
        [],
      )
    })

    async function postLogin(session: HttpSession, form: Record<string, string>, query = ''): Promise<Response> {
      const page = await (await session.once('/hub/login')).text()
      const xsrf = /name="_xsrf"[^>]*value="([^"]*)"/.exec(page)?.[1] ?? session.cookie('_xsrf') ?? ''
      const answer = await session.once(`/hub/login${query}`, {
        method: 'POST',
        body: new URLSearchParams({ _xsrf: xsrf, ...form }),
      })
      check(`sign-in ${JSON.stringify(form).slice(0, 50)}`, {
        status: answer.status,
        text: await answer.clone().text(),
      })
      return answer
    }

    async function userStatus(authorization: string): Promise<number> {
      return (await fetch(`${orrery.url}/hub/api/user`, { headers: { authorization } })).status
    }

    async function whatEveHas(): Promise<string> {
      const { text } = await json('GET', '/hub/api/users/eve/tokens', '')
      const { text: user } = await json('GET', '/hub/api/users/eve?include_stopped_servers', '')
      const { servers } = JSON.parse(user)
      return JSON.stringify([JSON.parse(text).api_tokens.length, Object.keys(servers)])
    }
  })
}

function cookiesOf(session: HttpSession): string {
  return ['jupyterhub-hub-login', 'jupyterhub-session-id', '_xsrf']
    .map(name => `${name}=${session.cookie(name)}`)
    .join('; ')
}

function bodyOf(text: string): string {
  return text.slice(text.indexOf('\r\n\r\n'))
}
