import { execFileSync, spawnSync } from 'node:child_process'
import { HubError } from '../../core/errors.ts'
import type { Owner } from '../data-folder.ts'

export const HUB_USER = 'orrery'

/** The Linux user that hub and proxy run as when Orrery is started as root; made if there is none. */
export function ensureHubUser(home: string): Owner {
  const found = findUser(HUB_USER)
  if (found) {
    if (found.uid === 0) throw missing(`The Linux user ${HUB_USER} is root itself.`)
    return found
  }
  const made = spawnSync(
    'useradd',
    ['--system', '--user-group', '--no-create-home', '--home-dir', home, '--shell', '/usr/sbin/nologin', HUB_USER],
    { encoding: 'utf8', env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' } },
  )
  const user = findUser(HUB_USER)
  if (user) return user
  throw missing(`The Linux user ${HUB_USER} could not be made: ${(made.stderr || made.error?.message || '').trim()}.`)
}

/** Uid and first group by name, asked of the name service (which may be LDAP). */
export function findUser(name: string): Owner | undefined {
  try {
    const number = (flag: string) =>
      Number(execFileSync('id', [flag, '--', name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
    return { uid: number('-u'), gid: number('-g') }
  } catch {
    return undefined
  }
}

function missing(message: string): HubError {
  return new HubError('system_user_missing', {
    status: 500,
    message,
    nextStep: `Make it: useradd --system --user-group --shell /usr/sbin/nologin ${HUB_USER}`,
  })
}
