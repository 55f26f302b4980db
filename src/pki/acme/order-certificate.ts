/** One order at an authority, from the account to the certificate. */
import { generateKeyPairSync } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import type { Authorization, Client } from 'acme-client'
import { replaceFile } from '../../db/replace-file.ts'
import { https } from '../../http/node-http.ts'
import type { KeyPair } from '../key-pair.ts'
import type { Challenges } from './challenges.ts'
import { type AcmeSettings, acmeFileNames } from './settings.ts'

/** For answers that do not come; the library waits for those that say "later". */
const REQUEST_TIMEOUT_MS = 30_000
const RETRIES = 2

/**
 * Throws whatever goes wrong, in the words of the authority as far as it has any. The caller sees to it that one process
 * orders at a time.
 */
export async function orderCertificate(settings: AcmeSettings, challenges: Challenges): Promise<KeyPair> {
  const { names, directoryUrl, externalAccount } = settings
  const acme = await loadClient(settings)
  const client = new acme.Client({
    directoryUrl,
    accountKey: await accountKey(settings),
    ...(externalAccount && {
      externalAccountBinding: { kid: externalAccount.keyId, hmacKey: externalAccount.hmacKey },
    }),
    // How often the state of the order is asked for.
    backoffMin: 500,
    backoffMax: 15_000,
    backoffAttempts: 12,
  })
  await openAccount(client, settings)
  const key = newKey()
  const [, csr] = await acme.crypto.createCsr({ altNames: [...names] }, key)

  async function answer(
    authorization: Authorization,
    challenge: Authorization['challenges'][number],
    keyAuthorization: string,
  ): Promise<void> {
    if (challenge.type !== settings.challenge) {
      throw new Error(`the authority does not offer ${settings.challenge} for ${authorization.identifier.value}`)
    }
    if (challenge.type === 'http-01') return challenges.putHttp(challenge.token, keyAuthorization)
    const [, cert] = await acme.crypto.createAlpnCertificate(authorization, keyAuthorization, key)
    return challenges.putAlpn(authorization.identifier.value, { key, cert: cert.toString() })
  }

  await challenges.clear()
  try {
    const cert = await client.auto({
      csr,
      challengePriority: [settings.challenge],
      // The names may lead to this machine from outside only; the authority sees what it sees.
      skipChallengeVerification: true,
      challengeCreateFn: answer,
      challengeRemoveFn: async () => {},
    })
    return { key, cert }
  } finally {
    await challenges.clear()
  }
}

/** The library's own addition, which its types leave out. */
type AcmeDefaults = { readonly acmeSettings?: object } & object

/** A megabyte or two of program that is needed every other month. */
async function loadClient({ caFile }: AcmeSettings) {
  const { default: acme } = await import('acme-client')
  const ca = caFile === undefined ? undefined : [...rootCertificates, await readFile(caFile, 'utf8')]
  acme.axios.defaults.httpsAgent = new https.Agent(ca && { ca })
  acme.axios.defaults.timeout = REQUEST_TIMEOUT_MS
  Object.assign((acme.axios.defaults as AcmeDefaults).acmeSettings ?? {}, { retryMaxAttempts: RETRIES })
  return acme
}

/** The one of the kept key, else a new one. */
async function openAccount(client: Client, { email }: AcmeSettings): Promise<void> {
  try {
    await client.createAccount({ onlyReturnExisting: true })
  } catch {
    // There is none yet; if it was something else, it will be so again.
    await client.createAccount({ termsOfServiceAgreed: true, ...(email && { contact: [`mailto:${email}`] }) })
  }
}

async function accountKey(settings: AcmeSettings): Promise<string> {
  const file = join(settings.folder, acmeFileNames(settings).account)
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    // A new account in place of an unreadable one would leave the old one's orders and limits behind.
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  const key = newKey()
  await replaceFile(file, key)
  return key
}

function newKey(): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
}
