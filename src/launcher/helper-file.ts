/**
 * What the helper of the sudo spawner may do: a file of root's beside the program, written by `orrery install-sudo-helper`.
 * The helper obeys it; the hub, which cannot change it, reads what it will be refused.
 */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { isAbsolute } from 'node:path'
import { z } from 'zod'
import { assertUnmovable } from './private-directory.ts'
import { PROTOCOL_VERSION } from './protocol.ts'
import { Refusal } from './refusal.ts'

const helperFile = z.strictObject({
  version: z.literal(1),
  /** Of the program that root has installed: another one's requests it does not understand. */
  protocol: z.int(),
  /** The user of the hub, as whom no server runs. */
  hubUid: z.int().min(1),
  commands: z.array(
    z
      .array(z.string())
      .min(1)
      .refine(([program = '']) => isAbsolute(program)),
  ),
  allowedArguments: z.array(z.string()),
  allowedEnvironment: z.array(z.string()),
  environment: z.record(z.string(), z.string()),
  path: z.string(),
  minUid: z.int().min(1),
  umask: z.int().min(0).max(0o777),
  maxLogBytes: z.int().min(1),
  /** Absent in files of before there was a choice. */
  preload: z.enum(['auto', 'servers', 'off']).default('auto'),
  /** How long what was prepared for a start waits for it. */
  preloaderSeconds: z.number().min(1).max(3600).default(300),
})

export type HelperFile = z.infer<typeof helperFile>

/** The program that sudoers names; the file lies beside it. */
export const DEFAULT_HELPER = '/usr/local/lib/orrery/sudo-helper'
export const fileOfHelper = (helper: string) => `${helper}.json`
/** What is known of the environments of its programs, see `python/launcher/orrery_forker/known.py`. */
export const modulesOfHelper = (helper: string) => `${helper}.modules.json`

/**
 * Throws Refusal `sudo_helper_missing`, `sudo_helper_outdated` and `sudo_helper_unsafe`: anybody who could change the program or the file could
 * run what they like as every user of the rule.
 */
export function readHelperFile(helper: string): HelperFile {
  const path = fileOfHelper(helper)
  for (const each of [helper, path]) assertOfRoot(each)
  const { success, data } = helperFile.safeParse(parseJson(readFileSync(path, 'utf8')))
  if (!success) throw new Refusal('sudo_helper_unsafe', `The file ${path} cannot be read.`, INSTALL)
  if (data.protocol === PROTOCOL_VERSION) return data
  throw new Refusal('sudo_helper_outdated', `The helper ${helper} is of another version of Orrery.`, INSTALL)
}

function assertOfRoot(path: string): void {
  if (!existsSync(path)) throw new Refusal('sudo_helper_missing', `There is no ${path}.`, INSTALL)
  try {
    assertUnmovable(path)
    if ((statSync(path).mode & 0o022) !== 0) throw new Refusal('', `${path} can be written by others than root.`)
  } catch (error) {
    throw new Refusal('sudo_helper_unsafe', (error as Error).message, INSTALL) // a Refusal or a system error
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const INSTALL = 'As root: orrery install-sudo-helper.'
