/** What the hub tells of itself: metrics and the event log. */
import { z } from 'zod'
import { option, section } from './option.ts'
import { duration } from './values.ts'

const positiveDuration = duration.refine(seconds => seconds > 0, { error: 'expected a duration above 0' })

export const metricsSection = section({
  authenticate: option(
    z.boolean().default(true),
    'Metrics need a token with the scope read:metrics; false: whoever reaches the hub may read them.',
    false,
  ),
  activeUsersEvery: option(duration.default(3600), 'How old the numbers of active users may be.', '5m'),
  eventLoop: option(z.boolean().default(true), 'Measure for how long the hub is too busy to answer.', false),
  eventLoopResolution: option(positiveDuration.default(0.05), 'Time between two such measurements.', '100ms'),
  eventLoopWarnAbove: option(positiveDuration.default(1), 'The log tells of a hub that was busy for so long.', '5s'),
})

export const eventsSection = section({
  file: option(
    z.string().min(1).optional(),
    'File that gets a line of JSON for each server started or stopped.',
    '/var/log/orrery/events.jsonl',
    { isPath: true },
  ),
})
