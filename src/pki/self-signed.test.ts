import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { describe, it } from 'node:test'
import { coversNames, joinKeyPair, readCertificateFacts, renewalTime, splitKeyPair } from './key-pair.ts'
import { makeSelfSigned } from './self-signed.ts'

const DAY_MS = 86_400_000
const now = new Date('2026-03-01T00:00:00Z')

describe('a self-signed certificate', () => {
  it('is good for the names and addresses it was made for, and no others', async () => {
    const { cert } = await makeSelfSigned(['hub.internal', '*.hub.internal', '10.0.0.5', '::1'], now)
    const certificate = new X509Certificate(cert)

    assert.equal(certificate.checkHost('hub.internal'), 'hub.internal')
    assert.equal(certificate.checkHost('ada.hub.internal'), '*.hub.internal')
    assert.equal(certificate.checkIP('10.0.0.5'), '10.0.0.5')
    assert.equal(certificate.checkIP('::1'), '::1')
    assert.equal(certificate.checkHost('other.internal'), undefined)
    assert.ok(certificate.verify(certificate.publicKey))
    assert.equal(certificate.ca, false)
    assert.ok(coversNames(cert, ['hub.internal', '*.hub.internal', '10.0.0.5', '::1']))
    assert.ok(!coversNames(cert, ['hub.internal', 'other.internal']))
  })

  it('lives no longer than browsers accept, and is due for renewal with a third of its life left', async () => {
    const facts = readCertificateFacts((await makeSelfSigned(['localhost'], now)).cert)

    const days = (facts.notAfter.getTime() - facts.notBefore.getTime()) / DAY_MS
    assert.ok(days <= 825, `${days}`)
    assert.equal((facts.notAfter.getTime() - renewalTime(facts).getTime()) / DAY_MS, days / 3)
    assert.deepEqual(facts.names, ['localhost'])
    assert.match(facts.issuer, /CN=localhost/)
  })

  it('has another key and serial number each time', async () => {
    const [first, second] = [await makeSelfSigned(['a'], now), await makeSelfSigned(['a'], now)]

    assert.notEqual(first.key, second.key)
    assert.notEqual(new X509Certificate(first.cert).serialNumber, new X509Certificate(second.cert).serialNumber)
  })

  it('can be kept in one file with its key, whose halves must belong together', async () => {
    const pair = await makeSelfSigned(['a'], now)
    const other = await makeSelfSigned(['a'], now)

    assert.deepEqual(splitKeyPair(joinKeyPair(pair)), splitKeyPair(`${pair.key}\n${pair.cert}`))
    assert.throws(() => splitKeyPair(joinKeyPair({ key: other.key, cert: pair.cert })), /do not match/)
    assert.throws(() => splitKeyPair(pair.cert), /no key/)
  })
})
