/** What servers of a program import, found out once for everybody who will start one through the helper. */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { preloadable } from '../../launcher/forking/preloadable.ts'
import { preloaderCommand, preloaderEnvironment } from '../../launcher/forking/preloading.ts'
import type { HelperFile } from '../../launcher/helper-file.ts'

/** A loaded machine may take its time for some thousand files. */
const PATIENCE_MS = 180_000
const MAX_BYTES = 16 * 1024 * 1024

/** It runs code of the environment, and needs no rights for that: those of `nobody`. */
const OWNER = { uid: 65534, gid: 65534 }

/** By program; without those that cannot be preloaded. `root`: of Orrery, as everybody can read it. */
export function modulesOfPrograms(
  file: Pick<HelperFile, 'commands' | 'environment' | 'path'>,
  root: string,
): Record<string, unknown> {
  const known: Record<string, unknown> = {}
  for (const each of file.commands.map(preloadable).filter(each => each !== undefined)) {
    const [program = ''] = each.command
    const [python, ...args] = preloaderCommand(each.python, ['scout', program], join(root, 'python/launcher'))
    // As the helper will have it, whatever root has set.
    const env = preloaderEnvironment({ ...file, allowedEnvironment: [] })
    const settings = { ...OWNER, cwd: '/', env, timeout: PATIENCE_MS, maxBuffer: MAX_BYTES }
    const { status, stdout } = spawnSync(python, args, { ...settings, encoding: 'utf8' })
    // Then the first start tells why.
    if (status === 0) known[program] = JSON.parse(stdout)
  }
  return known
}
