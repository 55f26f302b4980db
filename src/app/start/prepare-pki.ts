/** Certificates of internal TLS made ready before hub and proxy start: by the Linux user that they will belong to. */
import { spawn } from 'node:child_process'
import { dirname, extname, join } from 'node:path'
import { json, text } from 'node:stream/consumers'
import { HubError } from '../../core/errors.ts'
import { type PkiChange, type PkiSettings, preparePki } from '../../pki/internal/change-pki.ts'
import type { Owner } from '../data-folder.ts'
import type { PkiAnswer } from './pki-child.ts'
import type { Program } from './runnable-copy.ts'

/**
 * Root does not write into the folder of the hub, where the hub could lead it astray with links; a process of the hub's
 * user does. Throws HubError as `preparePki`.
 */
export async function preparePkiAs(
  owner: Owner | undefined,
  settings: PkiSettings,
  { node, root, main }: Program,
): Promise<PkiChange[]> {
  if (!owner) return preparePki(settings)
  const entry = join(root, dirname(dirname(main)), `app/start/pki-child${extname(main)}`)
  const child = spawn(node, [entry], {
    ...{ uid: owner.uid, gid: owner.gid, cwd: '/' },
    env: { PATH: '/usr/bin:/bin' },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const { clock: _ownClock, ...told } = settings
  child.stdin.on('error', () => {}) // its end is told by its answer
  child.stdin.end(JSON.stringify(told))
  const [answer, errors] = await Promise.all([json(child.stdout).catch(() => undefined), text(child.stderr)])
  const { changes, fault } = (answer ?? {}) as PkiAnswer // written by pki-child.ts alone
  if (changes) return changes
  if (fault) throw new HubError(fault.code, { status: 500, ...fault })
  throw new Error(`certificates of internal TLS could not be made: ${errors}`)
}
