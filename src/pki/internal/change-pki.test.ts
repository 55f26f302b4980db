import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { AUTHORITIES, type AuthorityName, HUB_PEERS, TRUST } from './authorities.ts'
import { readAuthority, trustedRoots } from './authority-files.ts'
import {
  bundlePath,
  type PkiSettings,
  preparePki,
  renewComponents,
  retireFormer,
  rotateAuthorities,
} from './change-pki.ts'
import { readComponent } from './component-files.ts'
import { getAuthority, issueFor, serverCommonName, serverIdentity } from './issue.ts'
import { CERTIFICATE_DAYS } from './lifetimes.ts'
import type { TlsMaterial } from './material.ts'
import { handshake, LOCAL_NAMES, testPki } from './testing.ts'

const DAY_MS = 86_400_000
const key = { user: 'ada', server: '' }
const serverOf = (pki: PkiSettings) =>
  issueFor(pki, {
    authority: 'notebooks-ca',
    commonName: serverCommonName(key),
    names: LOCAL_NAMES,
    identity: serverIdentity(key),
  })

function hub(pki: PkiSettings, peers: readonly AuthorityName[]): TlsMaterial {
  return { ...readComponent(pki.folder, 'hub')!, ca: peers.map(name => trustedRoots(getAuthority(pki, name))).join('') }
}

function component(pki: PkiSettings, name: 'proxyApi' | 'proxyClient', authority: AuthorityName): TlsMaterial {
  return { ...readComponent(pki.folder, name)!, ca: readFileSync(bundlePath(pki.folder, authority), 'utf8') }
}

describe('internal certificates', () => {
  it('connect the parts that have business with each other, and no others', async () => {
    using pki = testPki()
    await preparePki(pki)
    const proxy = component(pki, 'proxyClient', 'proxy-client-ca')
    const proxyApi = component(pki, 'proxyApi', 'proxy-api-ca')
    const server = await serverOf(pki)

    assert.equal(await handshake(hub(pki, HUB_PEERS.clients), proxy), 'connected')
    assert.equal(await handshake(hub(pki, HUB_PEERS.clients), server), 'connected')
    assert.equal(await handshake(proxyApi, hub(pki, HUB_PEERS.proxy)), 'connected')
    assert.equal(await handshake(server, proxy), 'connected')
    assert.equal(await handshake(server, hub(pki, HUB_PEERS.servers)), 'connected')

    assert.notEqual(await handshake(server, await serverOf(pki)), 'connected', 'another server')
    assert.notEqual(await handshake(proxyApi, server), 'connected', 'a server at the API of the proxy')
    assert.notEqual(
      await handshake(server, hub(pki, HUB_PEERS.proxy)),
      'connected',
      'a server in the place of the proxy',
    )
    for (const at of [hub(pki, HUB_PEERS.clients), proxyApi, server]) {
      assert.notEqual(await handshake(at, { ca: hub(pki, AUTHORITIES).ca }), 'connected', 'nobody')
    }
  })

  it('of another site are refused', async () => {
    using pki = testPki()
    using other = testPki()
    await preparePki(pki)
    await preparePki(other)
    const foreign = { ...component(other, 'proxyClient', 'proxy-client-ca'), ca: hub(pki, AUTHORITIES).ca }
    assert.notEqual(await handshake(hub(pki, HUB_PEERS.clients), foreign), 'connected')
    assert.notEqual(await handshake(await serverOf(pki), foreign), 'connected')
  })

  it('bear the names that are verified, and stand the strict look of OpenSSL', async () => {
    using pki = testPki()
    await preparePki(pki)
    const { cert, ca } = await serverOf(pki)
    const parsed = new X509Certificate(cert)
    assert.equal(parsed.subject, 'CN=user-ada')
    assert.ok(parsed.checkIP('127.0.0.1') && parsed.checkIP('::1') && parsed.checkHost('localhost'))
    assert.match(parsed.subjectAltName ?? '', /URI:urn:orrery:server:ada\//)
    writeFileSync(join(pki.folder, 'server.crt'), cert)
    writeFileSync(join(pki.folder, 'ca.crt'), trustedRoots(getAuthority(pki, 'notebooks-ca')))
    const files = ['-CAfile', join(pki.folder, 'ca.crt'), join(pki.folder, 'server.crt')]
    for (const purpose of ['sslserver', 'sslclient']) {
      assert.match(execFileSync('openssl', ['verify', '-x509_strict', '-purpose', purpose, ...files]).toString(), /OK/)
    }
    assert.equal((ca.match(/BEGIN/g) ?? []).length, TRUST['notebooks-ca'].length)
  })

  it('can be made for users with long and odd names', async () => {
    using pki = testPki()
    await preparePki(pki)
    for (const user of ['a'.repeat(200), 'o\'brien, "x"=y/z', 'ünï']) {
      const holder = { commonName: `user-${user}`, identity: serverIdentity({ user, server: '' }) }
      const { cert } = await issueFor(pki, { authority: 'notebooks-ca', names: ['DNS:localhost'], ...holder })
      assert.ok(new X509Certificate(cert).subjectAltName?.split(', ').includes(`URI:${holder.identity}`), user)
    }
  })

  it('are kept for their owner alone, and stay as they are', async () => {
    using pki = testPki()
    assert.equal((await preparePki(pki)).length, AUTHORITIES.length + 3)
    for (const file of ['hub-ca/hub-ca.key', 'hub-internal/hub-internal.key', 'proxy-api/proxy-api.key']) {
      assert.equal(statSync(join(pki.folder, file)).mode & 0o777, 0o600, file)
    }
    assert.equal(statSync(join(pki.folder, 'hub-ca')).mode & 0o777, 0o700)
    assert.deepEqual(await preparePki(pki), [])
  })

  it('are made by one process at a time', async () => {
    using pki = testPki()
    const [one, other] = await Promise.all([preparePki(pki), preparePki(pki)])
    assert.deepEqual([one.length, other.length].sort(), [0, AUTHORITIES.length + 3])
  })

  it('of hub and proxy are renewed when a third of their life is left, and for a new name', async () => {
    let now = new Date()
    using pki = testPki({ clock: { now: () => now } })
    await preparePki(pki)
    now = new Date(now.getTime() + (CERTIFICATE_DAYS / 2) * DAY_MS)
    assert.deepEqual(await preparePki(pki), [])
    now = new Date(now.getTime() + (CERTIFICATE_DAYS / 4) * DAY_MS)
    const renewed = ['hub-internal', 'proxy-api', 'proxy-client'].map(name => ({ done: 'renewed', name }))
    assert.deepEqual(await preparePki(pki), renewed)
    const named = { ...pki, names: { ...pki.names, hub: [...LOCAL_NAMES, 'DNS:hub.internal'] } }
    assert.deepEqual(await preparePki(named), [{ done: 'renewed', name: 'hub-internal' }])
    assert.deepEqual(await renewComponents(named), renewed)
  })
})

describe('an exchange of authorities', () => {
  it('leaves no connection out: old and new certificates, servers that know the old authorities alone', async () => {
    using pki = testPki()
    await preparePki(pki)
    const oldServer = await serverOf(pki)
    const oldProxy = component(pki, 'proxyClient', 'proxy-client-ca')
    const oldProxyApi = component(pki, 'proxyApi', 'proxy-api-ca')

    for (const round of [1, 2]) {
      await rotateAuthorities(pki, AUTHORITIES)
      const newServer = await serverOf(pki)
      const newProxy = component(pki, 'proxyClient', 'proxy-client-ca')
      const hubAsServer = hub(pki, HUB_PEERS.clients)
      const hubAsClient = hub(pki, HUB_PEERS.servers)
      for (const server of [oldServer, newServer]) {
        for (const proxy of [oldProxy, newProxy]) assert.equal(await handshake(server, proxy), 'connected', `${round}`)
        assert.equal(await handshake(hubAsServer, server), 'connected', `${round}`)
        assert.equal(await handshake(server, hubAsClient), 'connected', `${round}`)
      }
      assert.equal(await handshake(hubAsServer, oldProxy), 'connected', `${round}`)
      assert.equal(await handshake(oldProxyApi, hub(pki, HUB_PEERS.proxy)), 'connected', `${round}`)
    }
  })

  it('ends with their retirement: what was made before is refused', async () => {
    using pki = testPki()
    await preparePki(pki)
    const old = await serverOf(pki)
    await rotateAuthorities(pki, ['notebooks-ca'])
    const changes = await retireFormer(pki, AUTHORITIES)

    assert.deepEqual(changes, [{ done: 'retired', name: 'notebooks-ca' }])
    const fresh = await serverOf(pki)
    assert.equal(await handshake(fresh, hub(pki, HUB_PEERS.servers)), 'connected')
    assert.notEqual(await handshake(old, hub(pki, HUB_PEERS.servers)), 'connected')
    assert.notEqual(await handshake(hub(pki, HUB_PEERS.clients), old), 'connected')
  })

  it('happens by itself before an authority runs out under a server that starts', async () => {
    let now = new Date()
    using pki = testPki({ clock: { now: () => now } })
    await preparePki(pki)
    const before = getAuthority(pki, 'notebooks-ca').cert
    now = new Date(now.getTime() + 3000 * DAY_MS)
    const { cert } = await serverOf(pki)
    const after = getAuthority(pki, 'notebooks-ca')
    assert.notEqual(after.cert, before)
    assert.deepEqual(after.former, [before])
    assert.ok(new X509Certificate(cert).validToDate.getTime() >= now.getTime() + (CERTIFICATE_DAYS - 1) * DAY_MS)
  })

  it('that was cut short between its two files is finished', async () => {
    using pki = testPki()
    await preparePki(pki)
    const file = join(pki.folder, 'hub-ca/hub-ca.key')
    const before = readFileSync(file, 'utf8')
    await rotateAuthorities(pki, ['hub-ca'])
    renameSync(file, `${file}.next`)
    writeFileSync(file, before)
    assert.notEqual(readAuthority(pki.folder, 'hub-ca')?.key, before)
    assert.deepEqual(await preparePki(pki), [])
  })
})

describe('an authority', () => {
  it('whose key is lost is not replaced silently', async () => {
    using pki = testPki()
    await preparePki(pki)
    rmSync(join(pki.folder, 'hub-ca/hub-ca.key'))
    await assert.rejects(preparePki(pki), { code: 'pki_file_unusable' })
  })

  it('of the site’s own is used in the place of ours', async () => {
    using theirs = testPki()
    await preparePki(theirs)
    const cert = join(theirs.folder, 'proxy-client-ca/proxy-client-ca.crt')
    const key = join(theirs.folder, 'proxy-client-ca/proxy-client-ca.key')
    using pki = testPki({ given: { 'proxy-client-ca': { cert } }, without: ['proxyClient'] })
    await preparePki(pki)
    const proxy = { ...component(theirs, 'proxyClient', 'proxy-client-ca'), ca: hub(pki, AUTHORITIES).ca }
    assert.equal(await handshake(await serverOf(pki), proxy), 'connected')

    using without = testPki({ given: { 'proxy-client-ca': { cert } } })
    await assert.rejects(preparePki(without), { code: 'pki_key_missing' })
    using signing = testPki({ given: { 'proxy-client-ca': { cert, key } } })
    await preparePki(signing)
    assert.equal(
      await handshake(await serverOf(signing), component(signing, 'proxyClient', 'proxy-client-ca')),
      'connected',
    )
  })

  const python = process.env.ORRERY_TEST_JUPYTERHUB_PYTHON
  const skip = !python && 'ORRERY_TEST_JUPYTERHUB_PYTHON is not set'
  it('that certipy made for JupyterHub signs and is trusted', { skip }, async () => {
    using pki = testPki()
    const code = `from certipy import Certipy
c = Certipy(store_dir=${JSON.stringify(pki.folder)})
c.trust_from_graph({'notebooks-ca': ['hub-ca'], 'hub-ca': ['notebooks-ca']})
c.create_signed_pair('user-eve', 'notebooks-ca', alt_names=['IP:127.0.0.1'])`
    execFileSync(python!, ['-c', code])
    const before = getAuthority(pki, 'notebooks-ca').cert
    await preparePki(pki)
    assert.equal(getAuthority(pki, 'notebooks-ca').cert, before)
    const read = (file: string) => readFileSync(join(pki.folder, file), 'utf8')
    const eve = {
      key: read('user-eve/user-eve.key'),
      cert: read('user-eve/user-eve.crt'),
      ca: read('hub-ca/hub-ca.crt'),
    }
    assert.equal(await handshake(eve, hub(pki, HUB_PEERS.servers)), 'connected')
    assert.equal(await handshake(await serverOf(pki), hub(pki, HUB_PEERS.servers)), 'connected')
    // Its path length of 0 lets it vouch for no other.
    assert.partialDeepStrictEqual(await rotateAuthorities(pki, ['notebooks-ca']), [
      { done: 'replaced', name: 'notebooks-ca' },
    ])
    assert.equal(await handshake(eve, hub(pki, HUB_PEERS.servers)), 'connected')
  })
})
