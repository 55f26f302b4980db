import { statfsSync } from 'node:fs'
import { HubError } from '../../core/errors.ts'
import { bytesWords } from '../../core/for-browsers/usage-words.ts'

const MIB = 1024 * 1024
/** What a Python environment with JupyterLab takes, with room for pip's temporary files. */
export const ENVIRONMENT_BYTES = 600 * MIB
/** Below this nothing can be expected to work. */
export const LEAST_BYTES = 50 * MIB
/** Below this an operator should know. */
const LOW_BYTES = 1024 * MIB

/** Throws HubError `disk_full` when fewer than `needed` bytes are free; returns a sentence when there are few. */
export function checkDiskSpace(folder: string, needed: number): string | undefined {
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  if (free < needed) {
    throw new HubError('disk_full', {
      status: 507,
      message: `${folder} has ${bytesWords(free)} free; ${bytesWords(needed)} are needed.`,
      nextStep: 'Free some space, or choose another folder with --data-dir.',
    })
  }
  return free < LOW_BYTES ? `Only ${bytesWords(free)} are free for ${folder}.` : undefined
}
