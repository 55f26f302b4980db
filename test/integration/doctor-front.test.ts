/** What `orrery doctor` finds of nginx and Apache in front, set up rightly, and wrongly in each of the common ways. */
import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { readConfig } from '../../src/config/load-config.ts'
import type { Outcome, Site } from '../../src/doctor/check.ts'
import { frontCheck } from '../../src/doctor/checks/front.ts'
import { findSite } from '../../src/doctor/find-site.ts'
import { connectionFault } from '../../src/doctor/tcp.ts'
import { makeSelfSigned } from '../../src/pki/self-signed.ts'
import { runOrrery } from '../support/ended-start.ts'
import { freePorts } from '../support/free-ports.ts'
import { type OrreryProcess, startOrrery } from '../support/orrery-process.ts'
import { until } from '../support/until.ts'

const isRoot = process.getuid?.() === 0
const DAY_MS = 86_400_000

/** Directives of nginx that together are right, each under a name by which a test leaves it out or changes it. */
const NGINX = {
  pass: 'proxy_pass http://127.0.0.1:PORT;',
  version: 'proxy_http_version 1.1;',
  host: 'proxy_set_header Host $http_host;',
  address: 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
  scheme: 'proxy_set_header X-Forwarded-Proto $scheme;',
  upgrade: 'proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;',
  body: 'client_max_body_size 0;',
  buffering: 'proxy_buffering off;',
  more: '',
}

const NGINX_FAULTS: Record<
  string,
  { change: Partial<typeof NGINX>; finds: Record<string, string>; remedy?: RegExp; idle?: number }
> = {
  right: { change: {}, finds: {} },
  'cuts uploads at 1 MB': {
    change: { body: '' },
    finds: { body: 'failure' },
    remedy: /^nginx: client_max_body_size 0;$/,
  },
  'cuts uploads at 10 MB': { change: { body: 'client_max_body_size 10m;' }, finds: { body: 'failure' } },
  'does not pass on upgrades': {
    change: { upgrade: '' },
    finds: { websocket: 'failure' },
    remedy: /Upgrade \$http_upgrade/,
  },
  'names itself as the host': { change: { host: '' }, finds: { host: 'failure' }, remedy: /Host \$http_host/ },
  'holds streams back': {
    change: { buffering: 'gzip on; gzip_types text/event-stream;' },
    finds: { stream: 'warning' },
    remedy: /proxy_buffering off/,
  },
  'unpacks paths': {
    change: { pass: 'proxy_pass http://127.0.0.1:PORT/;' },
    finds: { path: 'failure' },
    remedy: /without a path/,
  },
  'refuses methods': { change: { more: 'limit_except GET POST { deny all; }' }, finds: { methods: 'failure' } },
  'does not tell addresses': {
    change: { address: 'proxy_set_header X-Forwarded-For "";' },
    finds: { address: 'warning' },
    remedy: /\$proxy_add_x_forwarded_for/,
  },
  'comes from an address that is not trusted': {
    change: { more: 'proxy_bind 127.0.0.3;' },
    finds: { address: 'warning' },
    remedy: /trustedDownstreamIps: \['127\.0\.0\.3'\]/,
  },
  'believes what people claim': {
    change: { address: '' },
    finds: { address: 'failure' },
    remedy: /trustedDownstreamIps/,
  },
  'cuts what is silent': {
    change: { more: 'proxy_read_timeout 2s;' },
    finds: { idle: 'warning' },
    remedy: /proxy_read_timeout 1h/,
    idle: 6,
  },
}

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

describe('the doctor and what stands in front', { timeout: 300_000 }, () => {
  const dir = mkdtempSync(join(tmpdir(), 'orrery-doctor-front-'))
  const fronts: ChildProcess[] = []
  let orrery: OrreryProcess
  let site: Site
  before(async () => {
    execFileSync(join(import.meta.dirname, '../testbed/front.sh'), { stdio: ['ignore', 'ignore', 'inherit'] })
    orrery = await startOrrery({ config: { trustedDownstreamIps: ['127.0.0.1'], servers: { cmd: ['/bin/true'] } } })
    const path = join(orrery.dataDir, 'orrery.config.json')
    const loaded = await readConfig({ path, env: {}, overrides: { dataDir: { value: orrery.dataDir, from: 'test' } } })
    site = findSite({ loaded, env: {} })
  })
  after(async () => {
    for (const front of fronts) if (front.exitCode === null && front.kill()) await once(front, 'exit')
    await orrery?.stop()
    rmSync(dir, { recursive: true, force: true })
  })

  const port = () => new URL(orrery.url).port
  const foundAt = (publicUrl: string, idleSeconds?: number) =>
    frontCheck.run({ ...site, publicUrl, idleSeconds }, AbortSignal.timeout(60_000))
  const bad = (outcomes: readonly Outcome[]) =>
    Object.fromEntries(outcomes.filter(({ level }) => level !== 'ok').map(({ item, level }) => [item, level]))

  async function start(command: readonly string[], ports: readonly number[]): Promise<void> {
    const [program, ...args] = command
    fronts.push(spawn(program!, args, { stdio: ['ignore', 'inherit', 'inherit'] }))
    for (const each of ports) {
      await until(`${program} listens`, async () => (await connectionFault('127.0.0.1', each)) === undefined)
    }
  }

  async function startNginx(name: string, servers: string, ports: readonly number[]): Promise<void> {
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
    const file = join(dir, `${name}.conf`)
    writeFileSync(
      file,
      `daemon off; worker_processes 1; pid ${dir}/${name}.pid; ${isRoot ? 'user root;' : ''}
events {}
http {
access_log off;
${temporary.map(each => `${each}_temp_path ${dir}/${name}-${each};`).join(' ')}
map $http_upgrade $connection_upgrade { default upgrade; '' close; }
${servers}
}`,
    )
    await start(['/usr/sbin/nginx', '-e', join(dir, 'error.log'), '-c', file], ports)
  }
  const location = (change: Partial<typeof NGINX> = {}) =>
    `location / { ${Object.values({ ...NGINX, ...change })
      .join(' ')
      .replace('PORT', port())} }`

  it('nginx: each fault is found, alone and with what to write', async () => {
    const names = Object.keys(NGINX_FAULTS)
    const ports = await freePorts(names.length)
    const servers = names.map(
      (name, at) => `server { listen 127.0.0.1:${ports[at]}; ${location(NGINX_FAULTS[name]!.change)} }`,
    )
    await startNginx('faults', servers.join('\n'), ports)

    const found = await Promise.all(
      names.map((name, at) => foundAt(`http://localhost:${ports[at]}/`, NGINX_FAULTS[name]!.idle)),
    )

    for (const [at, name] of names.entries()) {
      const { finds, remedy } = NGINX_FAULTS[name]!
      assert.deepEqual(bad(found[at]!), finds, `nginx that ${name}: ${JSON.stringify(found[at])}`)
      const told = found[at]!.find(({ level }) => level !== 'ok')
      if (remedy) assert.match(told!.nextStep!, remedy)
    }
  })

  it('nginx: an address that leads elsewhere, or on to another one, and requests that are too long for it', async () => {
    const ports = (await freePorts(4)) as [number, number, number, number]
    const [other, moved, dead, small] = ports
    const [nobody] = await freePorts(1)
    await startNginx(
      'elsewhere',
      `server { listen 127.0.0.1:${other}; location / { return 200 hello; } }
      server { listen 127.0.0.1:${moved}; location / { return 301 https://elsewhere.example.org/; } }
      server { listen 127.0.0.1:${dead}; location / { proxy_pass http://127.0.0.1:${nobody}; } }
      server { listen 127.0.0.1:${small}; large_client_header_buffers 2 4k; ${location()} }`,
      ports,
    )
    const message = async (at: number) => (await foundAt(`http://localhost:${at}/`))[0]!

    assert.match((await message(other)).message, /something else than this hub \(status 200\)/)
    assert.match((await message(moved)).message, /leads on to https:\/\/elsewhere/)
    assert.match((await message(dead)).message, /does not reach Orrery \(status 502\)/)
    assert.match((await message(nobody!)).message, /does not answer/)
    assert.deepEqual(bad(await foundAt('http://no-such-host.invalid/')), { reach: 'failure' })
    assert.deepEqual(bad(await foundAt(`http://localhost:${small}/`)), { 'long-head': 'warning' })
  })

  it('nginx: certificates that are not trusted, have run out, or are for another name; the scheme that it does not tell', async () => {
    const ports = (await freePorts(3)) as [number, number, number]
    const pairs = [
      await makeSelfSigned(['localhost'], new Date()),
      await makeSelfSigned(['localhost'], new Date(Date.now() - 900 * DAY_MS)),
      await makeSelfSigned(['other.example.org'], new Date()),
    ]
    const servers = pairs.map(({ key, cert }, at) => {
      writeFileSync(join(dir, `${at}.key`), key)
      writeFileSync(join(dir, `${at}.pem`), cert)
      const change = at === 2 ? { scheme: '' } : {}
      return `server { listen 127.0.0.1:${ports[at]} ssl; ssl_certificate ${dir}/${at}.pem; ssl_certificate_key ${dir}/${at}.key; ${location(change)} }`
    })
    await startNginx('tls', servers.join('\n'), ports)
    writeFileSync(join(dir, 'all.pem'), pairs.map(({ cert }) => cert).join('\n'))
    const trusting = async (at: number) => {
      const config = join(orrery.dataDir, 'orrery.config.json')
      const args = [
        'doctor',
        'front',
        '--json',
        '--url',
        `https://localhost:${ports[at]}`,
        '--data-dir',
        orrery.dataDir,
        '--config',
        config,
      ]
      const { stdout } = await runOrrery({ args, env: { NODE_EXTRA_CA_CERTS: join(dir, 'all.pem') } })
      return (JSON.parse(stdout) as { findings: Outcome[] }).findings
    }

    const [right, ended, misnamed] = await Promise.all([trusting(0), trusting(1), trusting(2)])
    const untrusted = await foundAt(`https://localhost:${ports[0]}/`)

    assert.deepEqual(bad(right), {})
    assert.deepEqual(bad(untrusted), { certificate: 'failure' })
    assert.deepEqual(bad(ended), { certificate: 'failure' })
    assert.match(ended.find(({ item }) => item === 'certificate')!.message, /run out/)
    assert.deepEqual(bad(misnamed), { certificate: 'failure', scheme: 'warning' })
    assert.match(misnamed.find(({ item }) => item === 'certificate')!.message, /another name/)
  })

  it('Apache: each fault is found', async () => {
    const names = Object.keys(APACHE_FAULTS)
    const ports = await freePorts(names.length)
    const modules = 'mpm_event authn_core authz_core headers ssl socache_shmcb proxy proxy_http'.split(' ')
    const hosts = names.map((name, at) => {
      const directives = APACHE_FAULTS[name]!.directives.replace('PORT', port())
      return `Listen 127.0.0.1:${ports[at]}\n<VirtualHost 127.0.0.1:${ports[at]}>\n${directives}\nProxyTimeout 3600\n</VirtualHost>`
    })
    const file = join(dir, 'apache.conf')
    writeFileSync(
      file,
      `ServerRoot ${dir}\nServerName localhost\nPidFile ${dir}/apache.pid\nDefaultRuntimeDir ${dir}\nErrorLog ${dir}/apache.log
${isRoot ? 'User www-data\nGroup www-data' : ''}
${modules.map(each => `LoadModule ${each}_module /usr/lib/apache2/modules/mod_${each}.so`).join('\n')}
${hosts.join('\n')}\n`,
    )
    await start(['/usr/sbin/apache2', '-f', file, '-DFOREGROUND'], ports)

    const found = await Promise.all(ports.map(at => foundAt(`http://localhost:${at}/`)))

    for (const [at, name] of names.entries()) {
      const { finds } = APACHE_FAULTS[name]!
      assert.deepEqual(bad(found[at]!), finds, `Apache that ${name}: ${JSON.stringify(found[at])}`)
      for (const { level, nextStep } of found[at]!) if (level !== 'ok') assert.match(nextStep!, /^Apache: /)
    }
  })

  it('without anything in front all is well; without the key nobody learns of the probes', async () => {
    const direct = await foundAt(`${orrery.url}/`)
    const stranger = await fetch(`${orrery.url}/hub/probe/echo`)
    const forged = await fetch(`${orrery.url}/hub/probe/echo`, {
      headers: { 'x-orrery-probe': `v1.${Date.now() + 1000}.abc.def` },
    })
    const socket = await fetch(`${orrery.url}/hub/probe/websocket`)

    assert.deepEqual(bad(direct), {})
    assert.deepEqual([stranger.status, forged.status, socket.status], [404, 404, 404])
    assert.doesNotMatch(readFileSync(join(orrery.dataDir, 'log/hub.log'), 'utf8'), /x-orrery-probe|v1\.\d{13}\./)
  })
})
