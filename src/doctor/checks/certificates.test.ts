import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { joinKeyPair, type KeyPair } from '../../pki/key-pair.ts'
import { makeSelfSigned } from '../../pki/self-signed.ts'
import { SELF_SIGNED_FILE } from '../../proxy/tls/self-signed-certificate.ts'
import { levels, siteFor } from '../testing.ts'
import { certificatesCheck } from './certificates.ts'

const DAY_MS = 86_400_000
const LIFETIME_DAYS = 800
const HOST = 'hub.example.org'

/** A certificate with so many days left. */
const withDaysLeft = (days: number, names = [HOST]) =>
  makeSelfSigned(names, new Date(Date.now() + (days - LIFETIME_DAYS) * DAY_MS + 3600_000))

async function foundOf(pair: KeyPair, publicUrl = `https://${HOST}/`) {
  await using made = await siteFor(folder => {
    writeFileSync(join(folder, 'key.pem'), pair.key)
    writeFileSync(join(folder, 'cert.pem'), pair.cert)
    return { publicUrl, 'proxy.tls.key': join(folder, 'key.pem'), 'proxy.tls.cert': join(folder, 'cert.pem') }
  })
  return await made.run(certificatesCheck) // before the folder goes
}

describe('certificates as the doctor sees them', () => {
  it('are good for long, run out soon, or have run out', async () => {
    assert.deepEqual(levels(await foundOf(await withDaysLeft(60))), { public: 'ok', names: 'ok' })
    assert.deepEqual(levels(await foundOf(await withDaysLeft(5))), { public: 'warning', names: 'ok' })
    assert.deepEqual(levels(await foundOf(await withDaysLeft(-1))), { public: 'failure', names: 'ok' })
  })

  it('are for the host that people type, by name, by * or by address', async () => {
    const level = async (names: string[], publicUrl?: string) =>
      levels(await foundOf(await withDaysLeft(60, names), publicUrl)).names

    assert.equal(await level(['other.example.org']), 'failure')
    assert.equal(await level(['*.example.org']), 'ok')
    assert.equal(await level(['*.org']), 'failure')
    assert.equal(await level(['10.1.2.3'], 'https://10.1.2.3/'), 'ok')
  })

  it('have the key of another', async () => {
    const [one, other] = [await withDaysLeft(60), await withDaysLeft(60)]

    await assert.rejects(foundOf({ key: one.key, cert: other.cert }), { code: 'certificate_unusable' })
  })

  it('are those that the proxy has made, or will make', async () => {
    const options = { publicUrl: `https://${HOST}/`, 'proxy.tls.selfSigned': true }
    await using none = await siteFor(options)
    await using made = await siteFor(options)
    const folder = join(made.site.paths.hub, 'tls')
    mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, SELF_SIGNED_FILE), joinKeyPair(await withDaysLeft(100)))

    assert.deepEqual(levels(await none.run(certificatesCheck)), { public: 'skipped' })
    assert.deepEqual(levels(await made.run(certificatesCheck)), { public: 'ok', names: 'ok' })
  })

  it('are none where the proxy speaks no HTTPS', async () => {
    await using made = await siteFor()

    assert.deepEqual(await made.run(certificatesCheck), [])
  })
})
