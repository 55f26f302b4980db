/** Where servers run, as it is written in a config. `app/` makes the spawner out of it. */
import { z } from 'zod'
import type { Spawner } from '../plugin/spawner.ts'
import { option } from './option.ts'

export const localOptions = z.strictObject({
  kind: z.literal('local'),
  accounts: option(
    z.enum(['auto', 'linux', 'made']).default('auto'),
    'As which Linux user a server runs, when Orrery was started as root: `linux` the one of that name, `made` one made for the account; `auto` is `linux` with PAM, else `made`.',
    'made',
  ),
  accountPrefix: option(
    z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,14}$/)
      .default('jupyter-'),
    'What the name of a made Linux user starts with.',
    'class-',
  ),
})

export const describedSpawner = z.discriminatedUnion('kind', [localOptions])

export const spawnerOption = z.union([
  z.custom<Spawner>(isSpawner, { error: 'expected local() or a Spawner' }),
  describedSpawner,
])

export type DescribedSpawner = z.output<typeof describedSpawner>

/** Servers are processes on this machine, started by the launcher. The default. */
export function local(options: Omit<z.input<typeof localOptions>, 'kind'> = {}): z.input<typeof localOptions> {
  return { kind: 'local', ...options }
}

function isSpawner(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || 'kind' in value) return false
  return ['start', 'stop', 'poll'].every(name => typeof (value as Record<string, unknown>)[name] === 'function')
}
