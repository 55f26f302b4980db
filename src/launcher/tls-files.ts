import {
  chmodSync,
  closeSync,
  constants,
  fchownSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { ServerKey } from '../core/server-key.ts'
import type { RunAs } from './accounts/run-as.ts'
import { isRoot } from './options.ts'
import { assertUnmovable } from './private-directory.ts'
import { Refusal } from './refusal.ts'
import { serverDigest } from './server-records.ts'

/** Key and certificate of a server with internal TLS, and the authorities that it trusts: PEM texts. */
export interface TlsTexts {
  readonly key: string
  readonly cert: string
  readonly ca: string
}

export interface TlsFiles {
  /** Writes them for this user; returns the variables that tell the server where. */
  place(key: ServerKey, texts: TlsTexts, runAs: RunAs): Record<string, string>
  has(key: ServerKey): boolean
  remove(key: ServerKey): void
  /** Digests of the servers that have some. */
  digests(): string[]
  removeDigest(digest: string): void
}

const NAMES = { key: 'server.key', cert: 'server.crt', ca: 'ca.crt' } as const
/** Others may pass through, nobody may list. */
const FOLDER_MODE = 0o711

/**
 * Each server has a folder of the launcher's own with three files in it that belong to the user, whom alone they can be
 * read by. The user cannot add, rename or remove anything there, so no path that a user controls is opened with
 * privilege. `folder` is made when it is first needed.
 */
export function tlsFiles(folder: string): TlsFiles {
  const root = resolve(folder)
  const folderOf = (digest: string) => join(root, digest)

  function removeDigest(digest: string): void {
    for (const name of Object.values(NAMES)) rmSync(join(folderOf(digest), name), { force: true })
    try {
      rmdirSync(folderOf(digest))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }

  return {
    place(key, texts, runAs) {
      makeFolder(root)
      const digest = serverDigest(key)
      removeDigest(digest)
      makePassage(folderOf(digest))
      const placed = Object.entries(NAMES).map(([part, name]) => {
        const path = join(folderOf(digest), name)
        const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
        const fd = openSync(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
        try {
          writeFileSync(fd, texts[part as keyof TlsTexts])
          if (runAs.switchUser) fchownSync(fd, runAs.uid, runAs.gid)
        } finally {
          closeSync(fd)
        }
        return [VARIABLES[part as keyof TlsTexts], path]
      })
      return Object.fromEntries(placed)
    },
    has: key => lstatSync(folderOf(serverDigest(key)), { throwIfNoEntry: false }) !== undefined,
    remove: key => removeDigest(serverDigest(key)),
    digests: () => (lstatSync(root, { throwIfNoEntry: false }) ? readdirSync(root) : []),
    removeDigest,
  }
}

/** Where `jupyterhub-singleuser` looks for them. */
const VARIABLES: Readonly<Record<keyof TlsTexts, string>> = {
  key: 'JUPYTERHUB_SSL_KEYFILE',
  cert: 'JUPYTERHUB_SSL_CERTFILE',
  ca: 'JUPYTERHUB_SSL_CLIENT_CA',
}

/** Whatever the umask. */
function makePassage(path: string): void {
  mkdirSync(path, { mode: FOLDER_MODE })
  chmodSync(path, FOLDER_MODE)
}

function makeFolder(root: string): void {
  if (!lstatSync(root, { throwIfNoEntry: false })) {
    mkdirSync(dirname(root), { recursive: true, mode: 0o755 })
    makePassage(root)
  }
  const entry = lstatSync(root)
  if (!entry.isDirectory() || entry.uid !== (process.getuid?.() ?? 0)) {
    throw new Refusal('folder_unsafe', `${root} is not a folder of the launcher's own, so it keeps nothing in it.`)
  }
  if (isRoot()) assertUnmovable(root)
}
