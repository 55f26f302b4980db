import { z } from 'zod'
import { option, section } from './option.ts'
import { duration } from './values.ts'

const limits = z.record(
  z.string().min(1),
  z.strictObject({ idleTimeout: duration.optional(), maxAge: duration.optional() }),
)

/** When servers are stopped although nobody asks for it. Names are those of jupyterhub-idle-culler. */
export const cullerSection = section({
  enabled: option(
    z.boolean().default(true),
    'Keep to the limits below; without a limit nothing is stopped anyway.',
    false,
  ),
  idleTimeout: option(
    duration.default(0),
    'Stop a server on which nothing was done for so long; 0 for never. A busy kernel is something done.',
    '1h',
  ),
  maxAge: option(
    duration.default(0),
    'Stop a server that runs for so long, as soon as none of its kernels is busy; 0 for never.',
    '2d',
  ),
  every: option(
    duration.refine(seconds => seconds > 0, { error: 'expected a duration above 0' }).optional(),
    'Time between two looks at all servers.',
    '5m',
    { computed: 'half of the shortest limit, at most 5 minutes' },
  ),
  cullDefaultServers: option(z.boolean().default(true), 'The limits hold for default servers.', false),
  cullNamedServers: option(z.boolean().default(true), 'The limits hold for named servers.', false),
  removeNamedServers: option(
    z.boolean().default(false),
    'Delete a named server for good, with what its spawner keeps for it, in place of stopping it.',
    true,
  ),
  cullUsers: option(
    z.boolean().default(false),
    'Delete users too, with their accounts, when none of their servers is left and they reach the same limits.',
    true,
  ),
  cullAdminUsers: option(z.boolean().default(false), 'Delete administrators as other users.', true),
  concurrency: option(z.int().min(1).default(10), 'How many servers are looked at, or stopped, at the same time.', 20),
  perGroup: option(
    limits.default({}),
    'Other limits for members of a group; of several groups the most generous counts.',
    { gpu: { idleTimeout: '20m' }, staff: { idleTimeout: '8h', maxAge: 0 } },
  ),
  perUser: option(limits.default({}), 'Other limits for single users, before those of their groups.', {
    ada: { idleTimeout: 0 },
  }),
})
