/** Makes keys and certificates (RFC 5280). The library is loaded with this file: import it when something is to be made. */
import { createHash, createPrivateKey } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { KeyPair } from '../key-pair.ts'
import { certificatePem, NEW_KEYS, newKeys, newSerialNumber, privatePem } from '../new-keys.ts'
import type { Usage } from './authorities.ts'
import { BACKDATED_MS } from './lifetimes.ts'

export interface CertificateRequest {
  readonly commonName: string
  /** `DNS:hub.internal` or `IP:10.0.0.5`, as OpenSSL and JupyterHub write them. */
  readonly names: readonly string[]
  /** A URI that names who holds it, beside the names of its host. */
  readonly identity?: string | undefined
  readonly usages: readonly Usage[]
  readonly notAfter: Date
}

/** An authority that signs itself. */
export async function makeAuthority(commonName: string, now: Date, notAfter: Date): Promise<KeyPair> {
  const keys = await newKeys()
  const cert = await x509.X509CertificateGenerator.create({
    ...frame(commonName, now, notAfter),
    issuer: nameOf(commonName),
    signingKey: keys.privateKey,
    publicKey: keys.publicKey,
    signingAlgorithm: NEW_KEYS,
    extensions: await authorityExtensions(keys.publicKey),
  })
  return { key: privatePem(keys.privateKey), cert: certificatePem(cert.rawData) }
}

/**
 * The certificate of `next` once more, signed by `former`: whoever knows the former authority alone can follow it from a
 * certificate of the next one. Undefined when `former` may not sign authorities, as those that JupyterHub made.
 */
export async function crossSign(former: KeyPair, next: string): Promise<string | undefined> {
  const issuer = new x509.X509Certificate(former.cert)
  if (issuer.getExtension(x509.BasicConstraintsExtension)?.pathLength === 0) return undefined
  const subject = new x509.X509Certificate(next)
  const publicKey = await subject.publicKey.export()
  const cert = await x509.X509CertificateGenerator.create({
    ...frame(undefined, subject.notBefore, earlier(subject.notAfter, issuer.notAfter), 0),
    subject: subject.subjectName.toJSON(),
    issuer: issuer.subjectName.toJSON(),
    ...(await signer(former.key)),
    publicKey,
    extensions: [...(await authorityExtensions(publicKey)), await issuedBy(issuer)],
  })
  return certificatePem(cert.rawData)
}

/** A certificate with a key of its own; it ends with its authority at the latest. */
export async function issueCertificate(authority: KeyPair, request: CertificateRequest, now: Date): Promise<KeyPair> {
  const issuer = new x509.X509Certificate(authority.cert)
  const keys = await newKeys()
  const usages = request.usages.map(usage => x509.ExtendedKeyUsage[usage === 'server' ? 'serverAuth' : 'clientAuth'])
  const cert = await x509.X509CertificateGenerator.create({
    ...frame(request.commonName, now, earlier(request.notAfter, issuer.notAfter)),
    issuer: issuer.subjectName.toJSON(),
    ...(await signer(authority.key)),
    publicKey: keys.publicKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages),
      new x509.SubjectAlternativeNameExtension(alternativeNames(request)),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await issuedBy(issuer),
    ],
  })
  return { key: privatePem(keys.privateKey), cert: certificatePem(cert.rawData) }
}

function alternativeNames({ names, identity }: CertificateRequest): x509.JsonGeneralNames {
  const named: x509.JsonGeneralNames = names.map(name => {
    const value = name.slice(name.indexOf(':') + 1)
    return name.startsWith('IP:') ? { type: 'ip', value } : { type: 'dns', value }
  })
  return identity === undefined ? named : [...named, { type: 'url', value: identity }]
}

function frame(commonName: string | undefined, now: Date, notAfter: Date, backdatedMs = BACKDATED_MS) {
  return {
    serialNumber: newSerialNumber(),
    ...(commonName !== undefined && { subject: nameOf(commonName) }),
    notBefore: new Date(now.getTime() - backdatedMs),
    notAfter,
  }
}

const LONGEST_COMMON_NAME = 64

/** X.520 allows 64 characters; a longer name is told from others by its digest. */
function nameOf(commonName: string): x509.JsonName {
  if (commonName.length <= LONGEST_COMMON_NAME) return [{ CN: [commonName] }]
  const digest = createHash('sha256').update(commonName).digest('hex').slice(0, 16)
  return [{ CN: [`${commonName.slice(0, LONGEST_COMMON_NAME - 17)}-${digest}`] }]
}

async function authorityExtensions(publicKey: CryptoKey): Promise<x509.Extension[]> {
  return [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    await x509.SubjectKeyIdentifierExtension.create(publicKey),
  ]
}

/** As the issuer names its key itself; OpenSSL compares the two. */
async function issuedBy(issuer: x509.X509Certificate): Promise<x509.Extension> {
  const named = issuer.getExtension(x509.SubjectKeyIdentifierExtension)
  if (named) return new x509.AuthorityKeyIdentifierExtension(named.keyId)
  return x509.AuthorityKeyIdentifierExtension.create(await issuer.publicKey.export())
}

/** JupyterHub's authorities have RSA keys. */
async function signer(pem: string) {
  const key = createPrivateKey(pem)
  const der = key.export({ type: 'pkcs8', format: 'der' })
  const algorithm =
    key.asymmetricKeyType === 'rsa'
      ? { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }
      : { name: 'ECDSA', namedCurve: CURVES[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? '', hash: 'SHA-256' }
  const signingKey = await crypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign'])
  return { signingKey, signingAlgorithm: algorithm }
}

const CURVES: Readonly<Record<string, string>> = { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }

function earlier(one: Date, other: Date): Date {
  return one < other ? one : other
}
