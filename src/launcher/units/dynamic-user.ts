/** Users whom systemd makes up while a unit runs: `DynamicUser=` of systemd.exec(5). */
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { basename } from 'node:path'
import { promisify } from 'node:util'
import type { RunAs } from '../accounts/run-as.ts'
import type { LauncherOptions } from '../options.ts'
import { Refusal } from '../refusal.ts'

const run = promisify(execFile)
/** systemd takes at most 31 bytes. */
const LONGEST = 31
const DIGEST_LENGTH = 16
/** Folders of all such users; systemd gives them to whichever uid the user has this time. */
const HOMES = '/var/lib/orrery-users'

/** Refuses where there is a user of that name already: systemd would take that one. */
export async function dynamicUser(
  account: string,
  { accountPrefix, units }: Pick<LauncherOptions, 'accountPrefix' | 'units'>,
): Promise<RunAs> {
  if (!units) {
    throw new Refusal(
      'units_mismatch',
      'Only servers that are units of systemd have users made up by it.',
      'Start the launcher with --unit.',
    )
  }
  const name = dynamicNameOf(account, accountPrefix)
  if (await isInFiles(name)) {
    throw new Refusal(
      'dynamic_user_taken',
      `This machine has a Linux user ${name} of its own, so systemd makes up none of that name.`,
      'An administrator can choose another beginning of these names: spawner.accountPrefix.',
    )
  }
  return { name, uid: -1, gid: -1, home: `${HOMES}/${name}`, shell: '/bin/bash', switchUser: false }
}

/** Plain names stay readable; others are a digest, which no plain one looks like. */
export function dynamicNameOf(account: string, prefix: string): string {
  const plain = /^[a-z][a-z0-9_-]*$/.test(account) && !/^[0-9a-f]{16}$/.test(account)
  if (plain && prefix.length + account.length <= LONGEST) return prefix + account
  return prefix + createHash('sha256').update(account).digest('hex').slice(0, DIGEST_LENGTH)
}

/** Those that systemd has made up itself are no hindrance: several servers of one account share theirs. */
async function isInFiles(name: string): Promise<boolean> {
  const tool = { timeout: 15_000, env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C' } }
  return await run('getent', ['--service=files', 'passwd', name], tool).then(
    () => true,
    () => false,
  )
}

/** A user that is not there yet can own no files, so systemd hands them over: `LoadCredential=`. */
export function asCredentials(
  runAs: RunAs,
  unit: string,
  tls: Readonly<Record<string, string>> | undefined,
): { credentials: Record<string, string>; variables: Readonly<Record<string, string>> | undefined } {
  if (runAs.switchUser || !tls) return { credentials: {}, variables: tls }
  const files = Object.entries(tls).map(([variable, path]) => ({ variable, path, name: basename(path) }))
  return {
    credentials: Object.fromEntries(files.map(({ name, path }) => [name, path])),
    variables: Object.fromEntries(files.map(({ variable, name }) => [variable, `/run/credentials/${unit}/${name}`])),
  }
}
