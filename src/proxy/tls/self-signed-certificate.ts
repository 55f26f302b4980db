/** `--self-signed`: a certificate made here, kept in a folder, and replaced by the next one in time. */
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../../core/runtime.ts'
import { replaceFile } from '../../db/replace-file.ts'
import {
  coversNames,
  joinKeyPair,
  type KeyPair,
  readCertificateFacts,
  renewalTime,
  splitKeyPair,
} from '../../pki/key-pair.ts'
import { makeSelfSigned } from '../../pki/self-signed.ts'
import type { CertificateChanged, CertificateSource } from './certificate-source.ts'
import { watchFiles } from './watch-files.ts'

export interface SelfSignedSettings {
  readonly folder: string
  readonly names: readonly string[]
}

/** In the folder of the settings, key and certificate. */
export const SELF_SIGNED_FILE = 'self-signed.pem'

const LOOK_EVERY_MS = 3_600_000

/** Throws system errors when the folder cannot be written at the start. */
export async function selfSignedCertificate(
  { folder, names }: SelfSignedSettings,
  changed: CertificateChanged,
  log: Logger,
): Promise<CertificateSource> {
  const file = join(folder, SELF_SIGNED_FILE)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  let pair = await keptOrNew(file, names, log)

  async function reload(): Promise<void> {
    try {
      const now = await keptOrNew(file, names, log)
      if (now.cert === pair.cert) return
      pair = now
      changed()
    } catch (error) {
      log.error({ file, err: error }, 'self-signed certificate could not be renewed')
    }
  }
  const timer = setInterval(() => void reload(), LOOK_EVERY_MS).unref()
  // Processes that begin together may each make one: all take the one that has stayed.
  const watched = watchFiles([file], () => void reload())
  await reload()

  return {
    kind: 'self-signed',
    get context() {
      return pair
    },
    get facts() {
      return readCertificateFacts(pair.cert)
    },
    fault: undefined,
    reload,
    async close() {
      clearInterval(timer)
      watched.close()
    },
  }
}

async function keptOrNew(file: string, names: readonly string[], log: Logger): Promise<KeyPair> {
  const kept = await readKept(file, log)
  if (kept && coversNames(kept.cert, names) && Date.now() < renewalTime(readCertificateFacts(kept.cert)).getTime()) {
    return kept
  }
  const made = await makeSelfSigned(names, new Date())
  await replaceFile(file, joinKeyPair(made))
  log.info({ file, names, notAfter: readCertificateFacts(made.cert).notAfter }, 'self-signed certificate made')
  return made
}

async function readKept(file: string, log: Logger): Promise<KeyPair | undefined> {
  try {
    return splitKeyPair(await readFile(file, 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') log.warn({ file, err: error }, 'kept certificate unusable')
    return undefined
  }
}
