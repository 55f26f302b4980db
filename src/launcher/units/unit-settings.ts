import { z } from 'zod'
import { UNIT_NAME_PATTERN } from './unit-name.ts'

/**
 * What the launcher sees to itself: which program runs as whom, with which input, output and environment, and what
 * becomes of the unit at its end.
 */
const OWN =
  /^(Exec\w*|Type|User|Group|DynamicUser|StateDirectory\w*|Standard\w*|Environment\w*|PassEnvironment|UnsetEnvironment|WorkingDirectory|Slice|Restart\w*|RemainAfterExit|CollectMode|Description|SetLogin\w*|PAMName|TTY\w*|Root\w+|LoadCredential\w*|SetCredential\w*|BusName|PIDFile|NotifyAccess|Sockets)$/

/** What a property of systemd's looks like, and is not the launcher's own; else what is wrong. */
export function faultOfProperty(name: string, value: string): string | undefined {
  if (!/^[A-Z][A-Za-z0-9]+$/.test(name)) return `${name} is no property of a unit`
  if (OWN.test(name)) return `${name} is set by Orrery itself`
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  return /[\u0000-\u001f\u007f]/.test(value) ? `the value of ${name} holds a control character` : undefined
}

export const sliceName = z.string().regex(/^[A-Za-z0-9_.:]+(-[A-Za-z0-9_.:]+)*\.slice$/, 'expected NAME.slice')
export const unitNameTemplate = z
  .string()
  .max(100)
  .regex(
    UNIT_NAME_PATTERN,
    'expected a text that ends with a hyphen, {username}, and perhaps a hyphen and {servername}: jupyter-{username}-{servername}',
  )

/** How servers run as units: whoever starts the launcher says it, the hub cannot change it. */
export const unitSettings = z.strictObject({
  name: unitNameTemplate,
  slice: sliceName,
  /** In the order in which systemd is to take them; `{username}` in a value is the Linux user. */
  properties: z.array(
    z.tuple([z.string(), z.string().max(4096)]).refine(([name, value]) => faultOfProperty(name, value) === undefined, {
      error: ({ input }) => faultOfProperty(...(input as [string, string])), // checked by then
    }),
  ),
})

export type UnitSettings = z.infer<typeof unitSettings>
