/** What changes the settings of single servers: variables by function, groups of users, options that users choose. */
import { z } from 'zod'
import type { Json, MaybePromise } from '../core/runtime.ts'
import type { FormContext, GroupOverrides, ServerDraft, StartContext } from '../plugin/hooks.ts'
import type { UserRecord } from '../plugin/spawner.ts'
import { functionOf } from './functions.ts'
import { byteSize, duration, nameList } from './values.ts'

const variableName = z.string().regex(/^[A-Za-z_]\w*$/, { error: 'expected the name of a variable' })
const variable = z.union([z.string(), functionOf<(server: ServerDraft) => string>()])

/** Variables of an environment; a function is called for each server. */
export const serverVariables = z.record(variableName, variable)

/** Settings of single servers; a function is called for each of them. */
export const serverOverrides = z.strictObject({
  cmd: orFunction(z.array(z.string().min(1)).min(1)),
  args: orFunction(z.array(z.string())),
  environment: orFunction(z.record(variableName, variable.nullable())),
  defaultUrl: orFunction(z.string()),
  notebookDir: orFunction(z.string()),
  memLimit: orFunction(byteSize),
  cpuLimit: orFunction(z.number().positive()),
  taskLimit: orFunction(z.int().positive()),
  fileSizeLimit: orFunction(byteSize),
  memGuarantee: orFunction(byteSize),
  cpuGuarantee: orFunction(z.number().positive()),
  startTimeout: orFunction(duration),
  httpTimeout: orFunction(duration),
  debug: orFunction(z.boolean()),
  disableUserConfig: orFunction(z.boolean()),
})

/** JupyterHub's `group_overrides`. */
export const groupOverridesValue = z.union([
  z.record(z.string(), z.strictObject({ groups: nameList, servers: serverOverrides })),
  functionOf<(server: ServerDraft) => MaybePromise<GroupOverrides>>(),
])

/** JupyterHub's `apply_user_options`. */
export const applyUserOptionsValue = z.union([
  z.record(z.string(), z.enum(Object.keys(serverOverrides.shape))),
  functionOf<(server: ServerDraft, options: Json, context: StartContext) => MaybePromise<void>>(),
])

const html = z.union([z.string(), functionOf<(user: UserRecord, context: FormContext) => MaybePromise<string>>()])

/** JupyterHub's `options_form` with its `options_from_form`. */
export const optionsFormValue = z.union([
  html,
  z.strictObject({
    html,
    parse: z
      .union([
        z.enum(['passthrough', 'simple']),
        functionOf<(form: Readonly<Record<string, readonly string[]>>) => MaybePromise<{ [option: string]: Json }>>(),
      ])
      .default('passthrough'),
  }),
])

function orFunction<Schema extends z.ZodType>(schema: Schema) {
  return z.union([schema, functionOf<(server: ServerDraft) => MaybePromise<z.input<Schema>>>()]).optional()
}
