/** What `orrery doctor` finds of Apache, Caddy and HAProxy in front: nothing when they are right, each fault, and what mends it. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { type Front, type FrontFault, remedyFor } from '../../src/doctor/front/remedies.ts'
import { makeSelfSigned } from '../../src/pki/self-signed.ts'
import { bad, type DoctoredFront, doctoredFront } from '../support/doctored-front.ts'
import { freePorts } from '../support/free-ports.ts'

const isRoot = process.getuid?.() === 0

const APACHE_FAULTS: Record<string, { directives: string; finds: Record<string, string> }> = {
  right: {
    directives:
      'ProxyPreserveHost On\nAllowEncodedSlashes NoDecode\nProxyPass / http://127.0.0.1:PORT/ upgrade=websocket nocanon',
    finds: {},
  },
  'is the shortest of all': {
    directives: 'ProxyPass / http://127.0.0.1:PORT/',
    finds: { host: 'failure', path: 'failure', websocket: 'failure' },
  },
  'refuses methods': {
    directives:
      'ProxyPreserveHost On\nAllowEncodedSlashes NoDecode\n<Location "/">\n<LimitExcept GET POST>\nRequire all denied\n</LimitExcept>\n</Location>\nProxyPass / http://127.0.0.1:PORT/ upgrade=websocket nocanon',
    finds: { methods: 'failure' },
  },
}

/** Lines that make it wrong. What the doctor says to write is what is right, or names what is to be left out. */
interface Fault {
  readonly wrong: string
  /** Lines in their place; default: none. */
  readonly right?: string
  readonly finds: Record<string, string>
  readonly isHttps?: true
  readonly idle?: number
}

/** Lines in `reverse_proxy`, or above it. */
const CADDY_FAULTS: Record<string, Fault & { readonly above?: true }> = {
  'names another host': { wrong: 'header_up Host {upstream_hostport}', finds: { host: 'failure' } },
  'tells another scheme': {
    wrong: 'header_up X-Forwarded-Proto http',
    finds: { scheme: 'warning' },
    isHttps: true,
  },
  'does not tell addresses': { wrong: 'header_up -X-Forwarded-For', finds: { address: 'warning' } },
  'lets no WebSocket through': { wrong: 'header_up -Upgrade', finds: { websocket: 'failure' } },
  'cuts uploads': {
    above: true,
    wrong: 'request_body {\nmax_size 10MB\n}',
    finds: { body: 'failure' },
  },
  'holds streams back': { wrong: 'buffer_responses', finds: { stream: 'warning', websocket: 'failure' } },
  'changes paths': { above: true, wrong: 'uri replace %2F /', finds: { path: 'failure' } },
  'refuses methods': {
    above: true,
    wrong: '@others not method GET POST\nrespond @others 405',
    finds: { methods: 'failure' },
  },
  'says that nothing is compressed': {
    wrong: 'header_down -Content-Encoding',
    finds: { compression: 'failure' },
  },
}

const FORWARD_FOR = 'option forwardfor'
const TUNNEL = 'timeout tunnel 1h'
const HAPROXY_RIGHT = `${FORWARD_FOR}\n${TUNNEL}`

/** Lines of a `frontend`, beside those of `base`. */
const HAPROXY_FAULTS: Record<string, Fault & { readonly base?: string }> = {
  'names another host': { wrong: 'http-request set-header Host inner.example.org', finds: { host: 'failure' } },
  'does not tell the scheme': {
    wrong: '',
    right: 'http-request set-header X-Forwarded-Proto https if { ssl_fc }',
    finds: { scheme: 'warning' },
    isHttps: true,
  },
  'does not tell addresses': { base: TUNNEL, wrong: '', right: FORWARD_FOR, finds: { address: 'failure' } },
  'believes what people claim': {
    base: TUNNEL,
    wrong: 'option forwardfor if-none',
    right: FORWARD_FOR,
    finds: { address: 'failure' },
  },
  'lets no WebSocket through': { wrong: 'http-request del-header Upgrade', finds: { websocket: 'failure' } },
  'cuts uploads': {
    wrong: 'http-request deny deny_status 413 if { req.hdr_val(content-length) gt 10485760 }',
    finds: { body: 'failure' },
  },
  'holds streams back': { wrong: 'http-response wait-for-body time 10s', finds: { stream: 'warning' } },
  'changes paths': { wrong: 'http-request set-path %[path,url_dec]', finds: { path: 'failure' } },
  'refuses methods': {
    wrong: 'http-request deny deny_status 405 unless { method GET POST }',
    finds: { methods: 'failure' },
  },
  'cuts what is silent': {
    base: FORWARD_FOR,
    wrong: 'timeout tunnel 2s',
    right: TUNNEL,
    finds: { idle: 'warning' },
    idle: 4,
  },
  'says that nothing is compressed': {
    wrong: 'http-response del-header Content-Encoding',
    finds: { compression: 'failure' },
  },
}

describe('the doctor and other programs in front', { timeout: 300_000 }, () => {
  let world: DoctoredFront
  before(async () => {
    world = await doctoredFront()
    const { key, cert } = await makeSelfSigned(['localhost'], new Date())
    writeFileSync(join(world.dir, 'key.pem'), key)
    writeFileSync(join(world.dir, 'cert.pem'), cert)
    writeFileSync(join(world.dir, 'both.pem'), cert + key)
  })
  after(() => world?.[Symbol.asyncDispose]())

  it('Apache: each fault is found', async () => {
    const names = Object.keys(APACHE_FAULTS)
    const ports = await freePorts(names.length)
    const modules = 'mpm_event authn_core authz_core headers ssl socache_shmcb proxy proxy_http'.split(' ')
    const hosts = names.map((name, at) => {
      const directives = APACHE_FAULTS[name]!.directives.replace('PORT', world.port)
      return `Listen 127.0.0.1:${ports[at]}\n<VirtualHost 127.0.0.1:${ports[at]}>\n${directives}\nProxyTimeout 3600\n</VirtualHost>`
    })
    const file = join(world.dir, 'apache.conf')
    writeFileSync(
      file,
      `ServerRoot ${world.dir}\nServerName localhost\nPidFile ${world.dir}/apache.pid\nDefaultRuntimeDir ${world.dir}\nErrorLog ${world.dir}/apache.log
${isRoot ? 'User www-data\nGroup www-data' : ''}
${modules.map(each => `LoadModule ${each}_module /usr/lib/apache2/modules/mod_${each}.so`).join('\n')}
${hosts.join('\n')}\n`,
    )
    await world.start(['/usr/sbin/apache2', '-f', file, '-DFOREGROUND'], ports)

    const found = await Promise.all(ports.map(at => world.foundAt(`http://localhost:${at}/`)))

    for (const [at, name] of names.entries()) {
      const { finds } = APACHE_FAULTS[name]!
      assert.deepEqual(bad(found[at]!), finds, `Apache that ${name}: ${JSON.stringify(found[at])}`)
      for (const { level, nextStep } of found[at]!) if (level !== 'ok') assert.match(nextStep!, /^Apache: /)
    }
  })

  it('Caddy: each fault is found, and what the doctor says mends it', async () => {
    const names = Object.keys(CADDY_FAULTS)
    const ports = await freePorts(names.length * 2 + 2)
    const site = (port: number, name: string, kind: 'wrong' | 'right') => {
      const { above, isHttps, ...lines } = CADDY_FAULTS[name]!
      const directives = lines[kind] ?? ''
      return `${schemeOf(isHttps)}://localhost:${port} {
bind 127.0.0.1
${isHttps ? `tls ${world.dir}/cert.pem ${world.dir}/key.pem` : ''}
${above ? directives : ''}
reverse_proxy 127.0.0.1:${world.port} {
${above ? '' : directives}
}
}`
    }
    const sites = ports.slice(2).map((port, at) => site(port, names[at >> 1]!, at % 2 === 0 ? 'wrong' : 'right'))
    const heads = ports.slice(0, 2).map((port, at) => {
      const options = at === 0 ? 'max_header_size 1kb' : remedyIn(remedyFor('long-head', 'caddy'))
      return [`servers 127.0.0.1:${port} {\n${options}\n}`, site(port, 'names another host', 'right')] as const
    })
    const file = join(world.dir, 'caddyfile')
    const global = ['admin off', 'auto_https off', 'grace_period 1s', 'log {\nlevel ERROR\n}']
    writeFileSync(
      file,
      `{\n${[...global, ...heads.map(([options]) => options)].join('\n')}\n}
${[...heads.map(([, each]) => each), ...sites].join('\n')}\n`,
    )
    const folders = { XDG_DATA_HOME: world.dir, XDG_CONFIG_HOME: world.dir }
    await world.start(['caddy', 'run', '--adapter', 'caddyfile', '--config', file], ports, folders)

    await provesFaults('caddy', CADDY_FAULTS, ports.slice(2))
    await provesLongHead(ports)
  })

  it('HAProxy: each fault is found, and what the doctor says mends it', async () => {
    const names = Object.keys(HAPROXY_FAULTS)
    const ports = await freePorts(names.length * 2 + 2)
    const start = (name: string, options: string, sites: string, each: readonly number[]) => {
      const file = join(world.dir, name)
      const times = ['connect 5s', 'client 1h', 'server 1h'].map(time => `timeout ${time}`)
      writeFileSync(file, `global\n${options}\ndefaults\nmode http\n${times.join('\n')}\n${sites}\n`)
      return world.start(['/usr/sbin/haproxy', '-q', '-db', '-f', file], each)
    }
    const site = (port: number, name: string, kind: 'wrong' | 'right') => {
      const { isHttps, base = HAPROXY_RIGHT, ...lines } = HAPROXY_FAULTS[name]!
      return `listen at-${port}
bind 127.0.0.1:${port} ${isHttps ? `ssl crt ${world.dir}/both.pem` : ''}
${isHttps ? '' : 'http-request set-header X-Forwarded-Proto http'}
${base}
${lines[kind] ?? ''}
server orrery 127.0.0.1:${world.port}`
    }
    const sites = ports.slice(2).map((port, at) => site(port, names[at >> 1]!, at % 2 === 0 ? 'wrong' : 'right'))
    await start('haproxy.cfg', '', sites.join('\n'), ports.slice(2))
    for (const [at, options] of ['tune.bufsize 4096', remedyIn(remedyFor('long-head', 'haproxy'))].entries())
      await start(`haproxy-${at}.cfg`, options, site(ports[at]!, 'names another host', 'right'), [ports[at]!])

    await provesFaults('haproxy', HAPROXY_FAULTS, ports.slice(2))
    await provesLongHead(ports)
  })

  /** `ports`: of the wrong and the right one of each fault by turns. */
  async function provesFaults(
    front: Front,
    faults: Readonly<Record<string, Fault>>,
    ports: readonly number[],
  ): Promise<void> {
    for (const [at, [name, { wrong, right = '', finds, isHttps, idle }]] of Object.entries(faults).entries()) {
      const [before, after] = await Promise.all(
        [0, 1].map(n => world.foundAt(`${schemeOf(isHttps)}://localhost:${ports[2 * at + n]}/`, idle)),
      )
      const expected = isHttps ? { certificate: 'failure' } : {} // its own

      assert.deepEqual(bad(before!), { ...expected, ...finds }, `${front} that ${name}: ${JSON.stringify(before)}`)
      assert.deepEqual(bad(after!), expected, `${front} that ${name} no more: ${JSON.stringify(after)}`)
      const [item] = Object.keys(finds) as [FrontFault]
      const told = before!.find(each => each.item === item)!.nextStep!
      const remedy = remedyFor(item, front)
      assert.ok(told.includes(remedy), told)
      // Either a line that is in the right config, or what is in the wrong one.
      const quoted = [...remedy.matchAll(/"([^"]+)"/g)].map(([, text]) => text!)
      if (right) assert.equal(remedyIn(remedy), right)
      else
        assert.ok(
          quoted.some(text => wrong.includes(text)),
          `${remedy}: ${wrong}`,
        )
    }
  }

  async function provesLongHead([small, large]: readonly number[]): Promise<void> {
    assert.deepEqual(bad(await world.foundAt(`http://localhost:${small}/`)), { 'long-head': 'warning' })
    assert.deepEqual(bad(await world.foundAt(`http://localhost:${large}/`)), {})
  }
})

/** `Caddy: servers { max_header_size 64kb }` without the name of the program and of the block. */
function remedyIn(remedy: string): string {
  return remedy
    .replace(/^\w+: /, '')
    .replace(/^\w+ \{ (.*) \}$/, '$1')
    .trim()
}

function schemeOf(isHttps: true | undefined): string {
  return isHttps ? 'https' : 'http'
}
