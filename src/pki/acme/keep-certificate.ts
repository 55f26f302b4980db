/**
 * Keeps a certificate of an authority: ordered when there is none, ordered anew in time, kept in a file that all
 * processes share. Whichever of them finds that it is time takes a lock and orders; the others see the new file.
 */
import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Logger } from '../../core/runtime.ts'
import { tryLockFile } from '../../db/file-lock.ts'
import { replaceFile } from '../../db/replace-file.ts'
import { coversNames, joinKeyPair, type KeyPair, readCertificateFacts, renewalTime, splitKeyPair } from '../key-pair.ts'
import type { Challenges } from './challenges.ts'
import { orderCertificate } from './order-certificate.ts'
import { type Failures, nextFailure, readFailures, writeFailures } from './retry.ts'
import { type AcmeSettings, acmeFileNames } from './settings.ts'

export interface AcmeCertificate {
  /** Undefined until the authority has issued one. */
  readonly pair: KeyPair | undefined
  /** Why the last order failed. */
  readonly fault: string | undefined
  /** Takes what another process has written. Never throws. */
  look(): Promise<void>
  /** From now on the challenges are answered: orders whatever is due, now and later. */
  begin(): void
  /** Looks now; after failures too, though their pause is not over: somebody has asked for it. Never throws. */
  check(): Promise<void>
  /** An order that is going on is left to itself: it may take minutes. */
  close(): void
}

/** At least so often the file is looked at, for what other processes do, and at most so often. */
const LONGEST_PAUSE_MS = 30_000
const SHORTEST_PAUSE_MS = 1_000
/** Certificates that were issued at one time are renewed at different ones, earlier by up to this part of their life. */
const JITTER = 1 / 30

/** Throws system errors when the folder cannot be made. `changed` tells of a new pair. */
export async function keepAcmeCertificate(
  settings: AcmeSettings,
  challenges: Challenges,
  changed: () => void,
  log: Logger,
): Promise<AcmeCertificate> {
  const { folder, names } = settings
  const files = acmeFileNames(settings)
  const certificateFile = join(folder, files.certificate)
  const failuresFile = join(folder, files.failures)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  let pair: KeyPair | undefined
  let failures: Failures | undefined
  let running: Promise<void> | undefined
  let timer: NodeJS.Timeout | undefined
  let isClosed = false

  async function readFiles(): Promise<void> {
    failures = await readFailures(failuresFile)
    const kept = await readKept()
    if (!kept || kept.cert === pair?.cert) return
    pair = kept
    changed()
  }

  async function readKept(): Promise<KeyPair | undefined> {
    try {
      const kept = splitKeyPair(await readFile(certificateFile, 'utf8'))
      return coversNames(kept.cert, names) ? kept : undefined
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') log.warn({ err: error }, 'kept certificate unusable')
      return undefined
    }
  }

  async function orderIfDue(asked: boolean): Promise<void> {
    await readFiles()
    if (!isTime(asked)) return
    const lock = tryLockFile(join(folder, 'order.lock'))
    if (!lock) return // another process is at it
    try {
      await readFiles() // and may just have finished
      if (isTime(asked)) await order()
    } finally {
      lock.release()
    }
  }

  function isTime(asked: boolean): boolean {
    const waits = failures !== undefined && failures.retryAtMs > Date.now() && !asked
    return !waits && (pair === undefined || Date.now() >= dueMs(pair))
  }

  async function order(): Promise<void> {
    const { directoryUrl, challenge } = settings
    log.info({ names, directoryUrl, challenge }, 'ordering a certificate')
    try {
      const ordered = await orderCertificate(settings, challenges)
      await replaceFile(certificateFile, joinKeyPair(ordered))
      await writeFailures(failuresFile, undefined)
      const { issuer, notAfter } = readCertificateFacts(ordered.cert)
      log.info({ names, issuer, notAfter }, 'certificate issued')
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      const failure = nextFailure(failures, reason, Date.now(), Math.random())
      const { count, retryAtMs } = failure
      log.error(
        { names, directoryUrl, challenge, count, retryAt: new Date(retryAtMs), reason },
        'no certificate issued',
      )
      await writeFailures(failuresFile, failure)
    }
    await readFiles()
  }

  function check(asked: boolean): Promise<void> {
    running ??= orderIfDue(asked)
      .catch(error => log.error({ err: error }, 'certificate could not be looked after'))
      .finally(() => {
        running = undefined
      })
    return running
  }

  async function go(): Promise<void> {
    await check(false)
    if (isClosed) return
    const pauseMs = pair ? dueMs(pair) - Date.now() : LONGEST_PAUSE_MS
    timer = setTimeout(go, Math.min(Math.max(pauseMs, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS)).unref()
  }

  await readFiles()

  return {
    get pair() {
      return pair
    },
    get fault() {
      return failures?.reason
    },
    look: () => readFiles().catch(error => log.error({ err: error }, 'certificate could not be looked after')),
    begin: () => void go(),
    check: () => check(true),
    close() {
      isClosed = true
      clearTimeout(timer)
    },
  }
}

function dueMs({ cert }: KeyPair): number {
  const facts = readCertificateFacts(cert)
  const lifetimeMs = facts.notAfter.getTime() - facts.notBefore.getTime()
  // The same for all processes and after a restart.
  const chance = createHash('sha256').update(cert).digest().readUInt32BE() / 2 ** 32
  return renewalTime(facts).getTime() - lifetimeMs * JITTER * chance
}
