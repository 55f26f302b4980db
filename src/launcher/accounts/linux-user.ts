import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import type { LauncherOptions } from '../options.ts'
import type { LinuxUserFacts } from '../protocol.ts'

const run = promisify(execFile)
const LOOK_UP_TIMEOUT_MS = 15_000
/** Nothing of the launcher's own environment reaches the tools it calls. */
const TOOL = { timeout: LOOK_UP_TIMEOUT_MS, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' } }

export type LinuxUser = Omit<LinuxUserFacts, 'groups'>

/** Letters, digits and what directories (`bob@EXAMPLE.ORG`, `EXAMPLE\bob`) put into names; never a leading dash or digit alone. */
const USER_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.@\\+$-]*$/

/**
 * Asks the name service (`/etc/passwd`, SSSD, LDAP ...) in a process of its own, so that a slow directory does not hold
 * up others. Undefined when there is no user of exactly this name: `getent` also takes uids, which are no names.
 */
export async function findLinuxUser(
  name: string,
  options: Pick<LauncherOptions, 'shells'>,
): Promise<LinuxUser | undefined> {
  if (!isUserName(name)) return undefined
  const entry = await findEntry(name)
  if (!entry || entry[0] !== name) return undefined
  const [, , uid, gid, , home, shell] = entry
  if (!/^\d+$/.test(uid ?? '') || !/^\d+$/.test(gid ?? '')) return undefined
  return {
    name,
    uid: Number(uid),
    gid: Number(gid),
    home: home ?? '',
    shell: shell || '/bin/sh',
    mayLogIn: await mayLogIn(shell || '/bin/sh', options.shells),
  }
}

/** With the names of its groups, which take another look at the directory. */
export async function findLinuxUserFacts(
  name: string,
  options: Pick<LauncherOptions, 'shells'>,
): Promise<LinuxUserFacts | undefined> {
  const user = await findLinuxUser(name, options)
  return user && { ...user, groups: await groupsOf(name) }
}

/** Could a Linux user have this name? */
export function isUserName(name: string): boolean {
  return USER_NAME.test(name) && name.length <= 255
}

async function findEntry(name: string): Promise<string[] | undefined> {
  try {
    const { stdout } = await run('getent', ['passwd', '--', name], TOOL)
    return stdout.split('\n')[0]?.split(':')
  } catch (error) {
    // 2: not found. Anything else (a directory that does not answer) must not look like "no such user".
    if ((error as { code?: unknown }).code === 2) return undefined
    throw error
  }
}

async function groupsOf(name: string): Promise<string[]> {
  try {
    const { stdout } = await run('id', ['-Gnz', '--', name], TOOL)
    return stdout.split('\0').filter(group => group !== '')
  } catch {
    // `id` ends with 1 when one of the groups has no name; the numbers are of no use to the hub.
    return []
  }
}

async function mayLogIn(shell: string, allowed: readonly string[]): Promise<boolean> {
  if (/\/(nologin|false)$/.test(shell)) return false
  if (allowed.length > 0) return allowed.includes(shell)
  const text = await readFile('/etc/shells', 'utf8').catch(() => '')
  const known = text.split('\n').map(line => line.trim())
  return known.includes(shell) || shell === '/bin/sh' || shell === '/bin/bash'
}
