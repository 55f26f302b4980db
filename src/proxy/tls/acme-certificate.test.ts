import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { until } from '../../../test/support/until.ts'
import { silentLogger } from '../../core/runtime.ts'
import { replaceFile } from '../../db/replace-file.ts'
import { type AcmeSettings, acmeFileNames } from '../../pki/acme/settings.ts'
import { joinKeyPair } from '../../pki/key-pair.ts'
import { makeSelfSigned } from '../../pki/self-signed.ts'
import { acmeCertificate } from './acme-certificate.ts'

describe('a certificate over ACME, in several processes', () => {
  it('is shown by all of them soon after one has got it', async () => {
    const settings: AcmeSettings = {
      folder: mkdtempSync(join(tmpdir(), 'acme-')),
      names: ['hub.example.org'],
      directoryUrl: 'https://acme.invalid/directory',
      challenge: 'tls-alpn-01',
    }
    let changes = 0
    const open = () => acmeCertificate(settings, () => void changes++, silentLogger)
    const sources = [await open(), await open()]
    assert.match(`${sources[0]?.fault}`, /No certificate has been issued/)
    const issued = await makeSelfSigned(settings.names, new Date())

    await replaceFile(join(settings.folder, acmeFileNames(settings).certificate), joinKeyPair(issued))

    await until('both have it', () => sources.every(({ context }) => context.cert === issued.cert.trim()), 10_000)
    assert.equal(changes, 2)
    assert.equal(sources[0]?.fault, undefined)
    for (const source of sources) await source.close()
  })
})
