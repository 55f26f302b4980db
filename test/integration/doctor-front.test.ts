/** What `orrery doctor` finds of nginx in front, set up rightly, and wrongly in each of the common ways. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, it } from 'node:test'
import type { Outcome } from '../../src/doctor/check.ts'
import { makeSelfSigned } from '../../src/pki/self-signed.ts'
import { bad, type DoctoredFront, doctoredFront } from '../support/doctored-front.ts'
import { runOrrery } from '../support/ended-start.ts'
import { freePorts } from '../support/free-ports.ts'

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

describe('the doctor and what stands in front', { timeout: 300_000 }, () => {
  let world: DoctoredFront
  before(async () => {
    world = await doctoredFront()
  })
  after(() => world?.[Symbol.asyncDispose]())

  async function startNginx(name: string, servers: string, ports: readonly number[]): Promise<void> {
    const { dir } = world
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
    await world.start(['/usr/sbin/nginx', '-e', join(dir, 'error.log'), '-c', file], ports)
  }
  const location = (change: Partial<typeof NGINX> = {}) =>
    `location / { ${Object.values({ ...NGINX, ...change })
      .join(' ')
      .replace('PORT', world.port)} }`

  it('nginx: each fault is found, alone and with what to write', async () => {
    const names = Object.keys(NGINX_FAULTS)
    const ports = await freePorts(names.length)
    const servers = names.map(
      (name, at) => `server { listen 127.0.0.1:${ports[at]}; ${location(NGINX_FAULTS[name]!.change)} }`,
    )
    await startNginx('faults', servers.join('\n'), ports)

    const found = await Promise.all(
      names.map((name, at) => world.foundAt(`http://localhost:${ports[at]}/`, NGINX_FAULTS[name]!.idle)),
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
    const message = async (at: number) => (await world.foundAt(`http://localhost:${at}/`))[0]!

    assert.match((await message(other)).message, /something else than this hub \(status 200\)/)
    assert.match((await message(moved)).message, /leads on to https:\/\/elsewhere/)
    assert.match((await message(dead)).message, /does not reach Orrery \(status 502\)/)
    assert.match((await message(nobody!)).message, /does not answer/)
    assert.deepEqual(bad(await world.foundAt('http://no-such-host.invalid/')), { reach: 'failure' })
    assert.deepEqual(bad(await world.foundAt(`http://localhost:${small}/`)), { 'long-head': 'warning' })
  })

  it('nginx: certificates that are not trusted, have run out, or are for another name; the scheme that it does not tell', async () => {
    const ports = (await freePorts(3)) as [number, number, number]
    const pairs = [
      await makeSelfSigned(['localhost'], new Date()),
      await makeSelfSigned(['localhost'], new Date(Date.now() - 900 * DAY_MS)),
      await makeSelfSigned(['other.example.org'], new Date()),
    ]
    const servers = pairs.map(({ key, cert }, at) => {
      writeFileSync(join(world.dir, `${at}.key`), key)
      writeFileSync(join(world.dir, `${at}.pem`), cert)
      const change = at === 2 ? { scheme: '' } : {}
      return `server { listen 127.0.0.1:${ports[at]} ssl; ssl_certificate ${world.dir}/${at}.pem; ssl_certificate_key ${world.dir}/${at}.key; ${location(change)} }`
    })
    await startNginx('tls', servers.join('\n'), ports)
    writeFileSync(join(world.dir, 'all.pem'), pairs.map(({ cert }) => cert).join('\n'))
    const trusting = async (at: number) => {
      const config = join(world.orrery.dataDir, 'orrery.config.json')
      const args = [
        'doctor',
        'front',
        '--json',
        '--url',
        `https://localhost:${ports[at]}`,
        '--data-dir',
        world.orrery.dataDir,
        '--config',
        config,
      ]
      const { stdout } = await runOrrery({ args, env: { NODE_EXTRA_CA_CERTS: join(world.dir, 'all.pem') } })
      return (JSON.parse(stdout) as { findings: Outcome[] }).findings
    }

    const [right, ended, misnamed] = await Promise.all([trusting(0), trusting(1), trusting(2)])
    const untrusted = await world.foundAt(`https://localhost:${ports[0]}/`)

    assert.deepEqual(bad(right), {})
    assert.deepEqual(bad(untrusted), { certificate: 'failure' })
    assert.deepEqual(bad(ended), { certificate: 'failure' })
    assert.match(ended.find(({ item }) => item === 'certificate')!.message, /run out/)
    assert.deepEqual(bad(misnamed), { certificate: 'failure', scheme: 'warning' })
    assert.match(misnamed.find(({ item }) => item === 'certificate')!.message, /another name/)
  })

  it('without anything in front all is well; without the key nobody learns of the probes', async () => {
    const direct = await world.foundAt(`${world.orrery.url}/`)
    const stranger = await fetch(`${world.orrery.url}/hub/probe/echo`)
    const forged = await fetch(`${world.orrery.url}/hub/probe/echo`, {
      headers: { 'x-orrery-probe': `v1.${Date.now() + 1000}.abc.def` },
    })
    const socket = await fetch(`${world.orrery.url}/hub/probe/websocket`)

    assert.deepEqual(bad(direct), {})
    assert.deepEqual([stranger.status, forged.status, socket.status], [404, 404, 404])
    assert.doesNotMatch(readFileSync(join(world.orrery.dataDir, 'log/hub.log'), 'utf8'), /x-orrery-probe|v1\.\d{13}\./)
  })
})
