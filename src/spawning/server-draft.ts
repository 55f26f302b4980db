/** A server that is about to start, from the site's settings to what the spawner is told. */
import { z } from 'zod'
import { byteSize, duration } from '../config/values.ts'
import { HubError } from '../core/errors.ts'
import type { Json } from '../core/runtime.ts'
import type { ServerKey } from '../core/server-key.ts'
import type { ServerDraft, ServerSetting } from '../plugin/hooks.ts'
import type { UserRecord } from '../plugin/spawner.ts'
import type { SpawningContext } from './context.ts'

export function draftServer(
  { settings, environment }: Pick<SpawningContext, 'settings' | 'environment'>,
  server: { key: ServerKey; user: UserRecord; options: Json },
): ServerDraft {
  const { limits, guarantees } = settings
  return {
    ...server,
    cmd: [...settings.command],
    args: [...settings.args],
    environment: { ...environment.extra },
    defaultUrl: environment.defaultUrl ?? '',
    notebookDir: settings.notebookDir,
    memLimit: limits.memoryBytes,
    cpuLimit: limits.cpus,
    taskLimit: limits.tasks,
    fileSizeLimit: limits.fileBytes,
    memGuarantee: guarantees.memoryBytes,
    cpuGuarantee: guarantees.cpus,
    startTimeout: settings.startTimeoutMs / 1000,
    httpTimeout: settings.httpTimeoutMs / 1000,
    debug: environment.debug ?? false,
    disableUserConfig: environment.disableUserConfig ?? false,
  }
}

/** Options of a form are texts. */
const asNumber = (value: unknown) => (typeof value === 'string' && value.trim() !== '' ? Number(value) : value)
const cores = z.preprocess(asNumber, z.number().positive().optional())
const count = z.preprocess(asNumber, z.int().positive().optional())
const yesOrNo = z.preprocess(value => (value === 'true' ? true : value === 'false' ? false : value), z.boolean())

const draftSchema = z.object({
  cmd: z.array(z.string().min(1)).min(1),
  args: z.array(z.string()),
  environment: z.record(z.string().regex(/^[A-Za-z_]\w*$/), z.union([z.string(), z.custom(isFunction)])),
  defaultUrl: z.string(),
  notebookDir: z.string(),
  memLimit: byteSize.optional(),
  cpuLimit: cores,
  taskLimit: count,
  fileSizeLimit: byteSize.optional(),
  memGuarantee: byteSize.optional(),
  cpuGuarantee: cores,
  startTimeout: duration,
  httpTimeout: duration,
  debug: yesOrNo,
  disableUserConfig: yesOrNo,
})

export const serverSettings = Object.keys(draftSchema.shape) as readonly ServerSetting[]

/** What the draft came to. Durations are seconds, sizes bytes. */
export interface SettledServer extends Omit<z.output<typeof draftSchema>, 'environment'> {
  readonly environment: Record<string, string>
}

/** Throws HubError `server_settings_invalid` that names what is wrong. */
export function checkDraft(draft: ServerDraft): z.output<typeof draftSchema> {
  const checked = draftSchema.safeParse(draft)
  if (!checked.success) throw invalid(checked.error.issues.map(issue => issue.path.join('.')))
  return checked.data
}

/** Checks it and calls the functions among the variables. Throws as `checkDraft`. */
export function settleDraft(draft: ServerDraft): SettledServer {
  const checked = checkDraft(draft)
  const variables = Object.entries(draft.environment).map(([name, value]) => {
    const text = typeof value === 'function' ? value(draft) : value
    if (typeof text !== 'string') throw invalid([`environment.${name}`])
    return [name, text] as const
  })
  return { ...checked, environment: Object.fromEntries(variables) }
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

function invalid(paths: readonly string[]): HubError {
  return new HubError('server_settings_invalid', {
    status: 500,
    message: `The settings of this server cannot be used: ${paths.join(', ')}.`,
    nextStep: 'Tell your administrator: a hook, an override of a group or an option of the form gave a wrong value.',
  })
}
