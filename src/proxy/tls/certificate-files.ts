/** The certificate of the operator: key and chain in files, read again when somebody renews them. */
import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { HubError } from '../../core/errors.ts'
import type { Logger } from '../../core/runtime.ts'
import { type CertificateFacts, readCertificateFacts } from '../../pki/key-pair.ts'
import type { CertificateChanged, CertificateSource } from './certificate-source.ts'
import { watchFiles } from './watch-files.ts'

export interface CertificateFiles {
  readonly key: string
  readonly cert: string
  /** Authorities that certificates of clients must come from. */
  readonly ca?: string | undefined
  readonly dhparam?: string | undefined
  readonly passphrase?: string | undefined
}

interface Loaded {
  readonly context: SecureContextOptions
  readonly facts: CertificateFacts
}

/** A pair of which one half is still the old one is most likely about to be whole. */
const SECOND_LOOK_MS = 1500

/**
 * Throws HubError `certificate_unusable` when the files are not usable at the start. Later a bad file is refused with a
 * line in the log, and what was there goes on.
 */
export function certificateFromFiles(
  files: CertificateFiles,
  changed: CertificateChanged,
  log: Logger,
): CertificateSource {
  let loaded = loadCertificateFiles(files)
  let fault: string | undefined
  let secondLook: NodeJS.Timeout | undefined
  const names = [files.key, files.cert, files.ca, files.dhparam].filter(file => file !== undefined)
  const watched = watchFiles(names, () => take(false))

  function take(isSecondLook: boolean): void {
    clearTimeout(secondLook)
    try {
      const fresh = loadCertificateFiles(files)
      const { names, notAfter } = fresh.facts
      fault = undefined
      if (isSame(fresh.context, loaded.context)) return
      loaded = fresh
      changed()
      log.info({ cert: files.cert, names, notAfter }, 'certificate loaded anew')
    } catch (error) {
      if (!isSecondLook) {
        secondLook = setTimeout(() => take(true), SECOND_LOOK_MS)
        return
      }
      fault = (error as HubError).message // loadCertificateFiles throws nothing else
      log.error({ code: 'certificate_unusable', err: error }, 'new certificate refused, the old one stays')
    }
  }

  return {
    kind: 'files',
    get context() {
      return loaded.context
    },
    get facts() {
      return loaded.facts
    },
    get fault() {
      return fault
    },
    async reload() {
      take(true)
    },
    async close() {
      clearTimeout(secondLook)
      watched.close()
    },
  }
}

/** Throws HubError `certificate_unusable` when they cannot be read, or do not belong together. */
export function loadCertificateFiles({ passphrase, ...files }: CertificateFiles): Loaded {
  const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file))
  try {
    const context = {
      key: readFileSync(files.key),
      cert: readFileSync(files.cert),
      ca: read(files.ca),
      dhparam: read(files.dhparam),
      passphrase,
    }
    createSecureContext(context) // throws when they do not belong together
    return { context, facts: readCertificateFacts(context.cert) }
  } catch (cause) {
    throw new HubError('certificate_unusable', {
      status: 500,
      message: `The certificate cannot be used: ${(cause as Error).message}.`, // the system's or OpenSSL's reason
      nextStep: 'Check that key and certificate are PEM files of one pair that the proxy may read.',
      detail: { key: files.key, cert: files.cert },
      cause,
    })
  }
}

function isSame(a: SecureContextOptions, b: SecureContextOptions): boolean {
  return (['key', 'cert', 'ca', 'dhparam'] as const).every(part => String(a[part]) === String(b[part]))
}
