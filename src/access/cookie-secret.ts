import { randomBytes } from 'node:crypto'
import { chmod, link, readFile, stat, unlink, writeFile } from 'node:fs/promises'
import { HubError } from '../core/errors.ts'
import type { Logger } from '../core/runtime.ts'

const SECRET_BYTES = 32
const ENVIRONMENT_NAME = 'JPY_COOKIE_SECRET'

/**
 * The secret that cookies are signed with: from the environment (`JPY_COOKIE_SECRET`, hexadecimal), else from the file
 * that JupyterHub writes (64 hexadecimal digits and a line end), which is made when missing. The file must be the
 * hub's alone; one that the group can read is put right, one that everybody can read is refused, for it may be known.
 * Throws HubError `cookie_secret_invalid`, `cookie_secret_exposed` or
 * `cookie_secret_unreadable`.
 */
export async function loadCookieSecret(
  path: string,
  options: { env?: Readonly<Record<string, string | undefined>>; log: Logger },
): Promise<Buffer> {
  const fromEnvironment = options.env?.[ENVIRONMENT_NAME]
  if (fromEnvironment) return parseSecret(fromEnvironment, `environment variable ${ENVIRONMENT_NAME}`)
  const existing = await readSecretFile(path, options.log)
  if (existing !== undefined) return parseSecret(existing, path)
  return createSecretFile(path, options.log)
}

async function readSecretFile(path: string, log: Logger): Promise<string | undefined> {
  const found = await stat(path).catch(error => {
    if (error.code === 'ENOENT') return undefined
    throw unreadable(path, error)
  })
  if (!found) return undefined
  if (found.mode & 0o007) {
    throw new HubError('cookie_secret_exposed', {
      status: 500,
      message: `Every account of this machine can read or change ${path}, so logins could be forged.`,
      nextStep: `Delete ${path} and start again: a new one is made, and everybody signs in once more.`,
    })
  }
  if (found.mode & 0o070) {
    // A mounted secret cannot be changed, and its group was chosen by whoever mounted it.
    await chmod(path, 0o600).catch(error =>
      log.warn({ path, err: error }, 'the cookie secret can be read by its group'),
    )
  }
  return readFile(path, 'utf8').catch(cause => {
    throw unreadable(path, cause)
  })
}

/** Whole or not at all; of two processes that start at once one makes it and both use it. */
async function createSecretFile(path: string, log: Logger): Promise<Buffer> {
  const secret = randomBytes(SECRET_BYTES)
  const draft = `${path}.${randomBytes(6).toString('hex')}`
  await writeFile(draft, `${secret.toString('hex')}\n`, { mode: 0o600, flag: 'wx', flush: true })
  try {
    await link(draft, path)
    log.info({ path }, 'made a new cookie secret')
    return secret
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    return parseSecret((await readSecretFile(path, log)) ?? '', path)
  } finally {
    await unlink(draft)
  }
}

/** 64 hexadecimal digits; `source` is for the message. Throws HubError `cookie_secret_invalid`. */
export function parseSecret(text: string, source: string): Buffer {
  const hex = text.trim()
  if (!/^[0-9a-f]+$/i.test(hex) || hex.length !== SECRET_BYTES * 2) {
    throw new HubError('cookie_secret_invalid', {
      status: 500,
      message: `The cookie secret in ${source} is not ${SECRET_BYTES * 2} hexadecimal digits.`,
      nextStep: `Put the output of "openssl rand -hex ${SECRET_BYTES}" there; everybody then signs in once more.`,
    })
  }
  return Buffer.from(hex, 'hex')
}

function unreadable(path: string, cause: NodeJS.ErrnoException): HubError {
  return new HubError('cookie_secret_unreadable', {
    status: 500,
    message: `The cookie secret ${path} cannot be read (${cause.code}).`,
    nextStep: 'Give the file to the user that the hub runs as (as root: orrery), with mode 600.',
    cause,
  })
}
