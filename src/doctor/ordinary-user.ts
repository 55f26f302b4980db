import type { Owner } from '../app/data-folder.ts'
import { HubError } from '../core/errors.ts'
import type { Site } from './check.ts'
import { runProgram } from './run-program.ts'

/** As whom something is tried that users' servers do. */
export interface OrdinaryUser {
  /** Undefined: as this process, which cannot be anybody else. */
  readonly owner: Owner | undefined
  /** `the Linux user ada`, for sentences. */
  readonly name: string
}

/** Without a name: as `nobody` of every Linux, who has no rights at all. */
const NOBODY: OrdinaryUser = { owner: { uid: 65_534, gid: 65_534 }, name: 'an ordinary user' }

/** Throws HubError `linux_user_missing` for a name that there is not. */
export async function ordinaryUser({ isRoot, user }: Site, signal: AbortSignal): Promise<OrdinaryUser> {
  if (!isRoot) return { owner: undefined, name: 'this account' }
  if (user === undefined) return NOBODY
  const { status, stdout } = await runProgram(['getent', 'passwd', '--', user], { as: undefined, signal })
  const [, , uid, gid] = stdout.split(':')
  if (status === 0 && uid && gid)
    return { owner: { uid: Number(uid), gid: Number(gid) }, name: `the Linux user ${user}` }
  throw new HubError('linux_user_missing', {
    status: 404,
    message: `There is no Linux user ${user} on this machine.`,
    nextStep: 'Name one that there is with --user, or leave it out.',
  })
}
