/** Files outside of the data folder that a hub without root's rights shall work with. */
import { spawnSync } from 'node:child_process'
import { existsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Config } from '../../config/schema.ts'
import { HubError } from '../../core/errors.ts'
import { parseDatabaseUrl } from '../../db/database-url.ts'
import type { Owner } from '../data-folder.ts'
import { ensureSecretFile, readSecretFile } from '../secret-file.ts'

/**
 * Makes the cookie secret where there is none: as root, for a hub that could not make it in a folder of root's. One
 * that is there and root's own is read and handed on; returned then. Another the hub checks itself.
 */
export function cookieSecretFor(config: Config, hubUser: Owner | undefined): string | undefined {
  const { cookieSecret, cookieSecretFile } = config
  if (cookieSecret !== undefined) return cookieSecret
  if (!existsSync(cookieSecretFile)) ensureSecretFile(cookieSecretFile, hubUser)
  const isRoots = hubUser !== undefined && statSync(cookieSecretFile).uid === 0
  return isRoots ? readSecretFile(cookieSecretFile) : undefined
}

/** SQLite makes files beside its own. Throws HubError `database_not_writable` when the hub's user could not. */
export function assertHubWrites(dbUrl: string, hubUser: Owner): void {
  const url = parseDatabaseUrl(dbUrl)
  if (url.dialect !== 'sqlite' || url.file === undefined) return
  const folder = dirname(url.file)
  const places = existsSync(url.file) ? [folder, url.file] : [folder]
  const closed = places.find(place => !mayWrite(place, hubUser))
  if (closed === undefined || !existsSync(folder)) return
  throw new HubError('database_not_writable', {
    status: 500,
    message: `The hub runs as the Linux user orrery, which may not write ${closed}, where the database is.`,
    nextStep: `Give the database a folder of its own: install -d -o orrery -m 700 FOLDER && mv ${url.file} FOLDER && chown orrery FOLDER/*; then name it in the config.`,
  })
}

/** Asked of the kernel, since lists of access rights count too. */
function mayWrite(path: string, { uid, gid }: Owner): boolean {
  return spawnSync('test', ['-w', path], { uid, gid, cwd: '/', env: { PATH: '/usr/bin:/bin' } }).status === 0
}
