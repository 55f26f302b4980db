import { z } from 'zod'
import { pageOf, timeSchema } from '../../http/answer-schemas.ts'
import { json, namedSchema, type Operation } from '../../http/operation.ts'
import { machineQuery, usageQuery } from './schemas.ts'

const bytes = () => z.number().meta({ description: 'Bytes.' })
const processors = (description: string) => z.number().nullable().meta({ description })

const usageSchema = namedSchema('ServerUsage', () =>
  z.strictObject({
    user: z.string(),
    server: z.string().meta({ description: 'Empty for the default server.' }),
    at: timeSchema().meta({ description: 'When it was looked at.' }),
    memory_bytes: bytes(),
    memory_limit_bytes: bytes().nullable(),
    cpu: processors('Processors kept busy since the look before: 0.5 is half of one. Null at the first look.'),
    cpu_limit: processors('Processors it may keep busy; null for all there are.'),
    processes: z.int().nullable(),
    memory_kills: z.int().nullable().meta({
      description: 'Processes that were ended because the limit of its memory was reached; null where nobody counts.',
    }),
    last_memory_kill: timeSchema().nullable().meta({ description: 'When the last one was.' }),
    points: z
      .array(z.strictObject({ at: timeSchema(), memory_bytes: bytes(), cpu: processors('As above.') }))
      .meta({ description: 'The last looks, oldest first.' }),
  }),
)

export const listUsage = {
  id: 'listUsage',
  tag: 'servers',
  summary: 'Show what running servers use',
  description:
    'Memory and processors, with their limits, of the running servers that the caller may read, always as a page. They are ' +
    'looked at every ten seconds. Servers whose spawner cannot tell are not listed. Later looks come as events of the type ' +
    '`usage` with `watchServers`.',
  scopes: ['read:servers'],
  filtered: true,
  query: usageQuery,
  answers: { 200: json('The usage, by user and server.', () => pageOf(z.array(usageSchema()))) },
} satisfies Operation

const machineFields = () => ({
  cpu: processors('Processors kept busy, of `processors`.'),
  memory_bytes: bytes(),
  load: z.number().meta({ description: 'Processes that ran or wanted to, over one minute.' }),
  servers: z.number().meta({ description: 'Servers that ran.' }),
})

export const showMachine = {
  id: 'showMachine',
  tag: 'hub',
  summary: 'Show what the machine uses',
  description:
    'Now, and over the last day. Of several hubs, the machine is the one that the hub runs on which is asked; the last day ' +
    'is that of the hub which looks after it.',
  scopes: ['read:metrics'],
  query: machineQuery,
  answers: {
    200: json('The machine.', () =>
      z.strictObject({
        now: z.strictObject({
          ...machineFields(),
          processors: z.int(),
          memory_total_bytes: bytes(),
          disks: z.array(
            z.strictObject({
              holds: z.array(z.string()).meta({ description: 'What lies on it.' }),
              used_bytes: bytes(),
              total_bytes: bytes(),
            }),
          ),
        }),
        day: z.array(z.strictObject({ at: timeSchema(), ...machineFields() })).meta({
          description: 'Means over equal parts of the last day, oldest first; parts without any look are left out.',
        }),
      }),
    ),
  },
} satisfies Operation
