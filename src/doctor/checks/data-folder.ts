import { existsSync, lstatSync, type Stats, statSync } from 'node:fs'
import { assertOnlyRootMoves } from '../../app/data-folder.ts'
import { HubError } from '../../core/errors.ts'
import { parseDatabaseUrl } from '../../db/database-url.ts'
import { AS_ROOT, defineCheck, failure, type Outcome, ok, type Site, skipped } from '../check.ts'

/** Owners and modes are those that `prepareDataFolder` and JupyterHub give. */
export const dataFolderCheck = defineCheck({
  id: 'data-folder',
  title: 'Data folder',
  items: {
    there: 'The data folder exists.',
    programs: 'Started as root: nobody but root can change what lies above and in the data folder.',
    hub: "The hub's own folder is its user's alone.",
    secrets: 'Cookie secret and token of the proxy: the hub can read them, and nobody else.',
    database: 'The file of the database is closed to other users, and is its hub’s.',
  },
  async run(site) {
    const { dataDir, hub } = site.paths
    if (!existsSync(dataDir)) {
      return [
        skipped(
          'there',
          `There is no data folder ${dataDir} yet.`,
          'The first orrery start makes it; --data-dir names another.',
        ),
      ]
    }
    const outcomes: Outcome<'there' | 'programs' | 'hub' | 'secrets' | 'database'>[] = [
      ok('there', `The data folder is ${dataDir}.`, { folder: dataDir }),
    ]
    // What root started keeps programs of root's there; else all is the caller's own.
    if (statSync(dataDir).uid === 0 && site.hubOwner?.uid !== 0) outcomes.push(programs(dataDir))
    outcomes.push(folder(hub, site))
    for (const file of secretFiles(site)) outcomes.push(...secret(file, site))
    outcomes.push(...databaseFile(site))
    return outcomes
  },
})

function programs(dataDir: string): Outcome<'programs'> {
  try {
    assertOnlyRootMoves(dataDir)
    return ok('programs', 'Programs in it can be changed by root alone.')
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    return failure('programs', error.message, error.nextStep ?? 'Give it to root.')
  }
}

function folder(path: string, { hubOwner }: Site): Outcome<'hub'> {
  const found = look(path)
  if (!found) return skipped('hub', `${path} was not made yet, or cannot be seen.`, AS_ROOT)
  if ((found.mode & 0o077) !== 0) {
    return failure('hub', `${path} can be entered by other users (mode ${octal(found)}).`, `chmod 700 ${path}`)
  }
  return ok('hub', `${path} is its owner's alone.`, { uid: hubOwner?.uid ?? found.uid })
}

function secretFiles({ config, paths }: Site): string[] {
  return [
    ...(config.cookieSecret === undefined ? [config.cookieSecretFile] : []),
    ...(config.proxy.authToken === undefined ? [paths.proxyToken] : []),
  ]
}

function secret(path: string, { hubOwner }: Site): Outcome<'secrets'>[] {
  const found = look(path)
  if (!found) return [] // made by the first start; or the folder is closed, which was told
  if ((found.mode & 0o007) !== 0) {
    return [
      failure(
        'secrets',
        `${path} can be read by every user of this machine, who could forge logins or routes.`,
        `rm ${path}, then restart Orrery: a new one is made, and everybody signs in once more.`,
      ),
    ]
  }
  if (hubOwner && found.uid !== hubOwner.uid && found.uid !== 0) {
    return [
      failure(
        'secrets',
        `${path} belongs to uid ${found.uid}, and the hub runs as uid ${hubOwner.uid}.`,
        `chown --reference=${dirOf(path)} ${path}`,
      ),
    ]
  }
  return [ok('secrets', `${path} is closed to others.`)]
}

function databaseFile({ config, hubOwner }: Site): Outcome<'database'>[] {
  const url = parseDatabaseUrl(config.dbUrl)
  if (url.dialect !== 'sqlite' || url.file === undefined) return []
  const outcomes: Outcome<'database'>[] = []
  // The log beside it is written by whoever opens it first: root's own would lock the hub out.
  for (const path of [url.file, `${url.file}-wal`, `${url.file}-shm`]) {
    const found = look(path)
    if (!found) continue
    if ((found.mode & 0o002) !== 0) {
      outcomes.push(failure('database', `${path} can be changed by every user of this machine.`, `chmod o-rwx ${path}`))
    } else if ((found.mode & 0o004) !== 0 && isOpenAbove(path)) {
      outcomes.push(failure('database', `${path} can be read by every user of this machine.`, `chmod o-rwx ${path}`))
    }
    if (hubOwner && found.uid !== hubOwner.uid) {
      outcomes.push(
        failure(
          'database',
          `${path} belongs to uid ${found.uid}, and the hub runs as uid ${hubOwner.uid}.`,
          `chown ${hubOwner.uid}:${hubOwner.gid} ${path}`,
        ),
      )
    }
  }
  if (outcomes.length === 0 && look(url.file)) return [ok('database', `${url.file} is closed to others.`)]
  return outcomes
}

/** The mode of a file matters only to those who get at it. */
function isOpenAbove(path: string): boolean {
  return ((look(dirOf(path))?.mode ?? 0) & 0o001) !== 0
}

function look(path: string): Stats | undefined {
  try {
    return lstatSync(path, { throwIfNoEntry: false })
  } catch {
    return undefined // a folder above it is closed
  }
}

function dirOf(path: string): string {
  return path.replace(/\/[^/]*$/, '') || '/'
}

function octal({ mode }: Stats): string {
  return (mode & 0o7777).toString(8).padStart(3, '0')
}
