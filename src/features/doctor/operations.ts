import { z } from 'zod'
import { LEVELS } from '../../core/finding.ts'
import { timeSchema } from '../../http/answer-schemas.ts'
import { json, namedSchema, type Operation } from '../../http/operation.ts'

const report = namedSchema('DoctorReport', () =>
  z.strictObject({
    version: z.string().meta({ description: 'Of Orrery.' }),
    at: timeSchema().meta({ description: 'When the checks had ended.' }),
    ok: z.boolean().meta({ description: 'No failure among the findings.' }),
    counts: z.strictObject({ ok: z.int(), skipped: z.int(), warning: z.int(), failure: z.int() }),
    findings: z.array(
      z.strictObject({
        check: z.string(),
        title: z.string().meta({ description: 'Of the check.' }),
        item: z.string().meta({ description: 'What was looked at; stable, unique within the check.' }),
        level: z.enum(LEVELS),
        message: z.string(),
        next_step: z.string().nullable(),
        details: z.record(z.string(), z.unknown()),
      }),
    ),
  }),
)

const DESCRIPTION = 'Takes the scope `admin-ui` as well. '

export const showReport = {
  id: 'showDoctorReport',
  tag: 'hub',
  summary: 'What the last run of the checks has found',
  description: `${DESCRIPTION}Of the hub that is asked, since it was started.`,
  scopes: ['read:hub'],
  answers: { 200: json('The findings; null before the first run.', () => report().nullable()) },
} satisfies Operation

export const examine = {
  id: 'examineHub',
  tag: 'hub',
  summary: 'Run the checks of `orrery doctor`',
  description: `${DESCRIPTION}The hub looks at itself, as its own user, and changes nothing. It takes some seconds; whoever asks while the checks run gets the findings of that run.`,
  scopes: ['read:hub'],
  answers: { 200: json('The findings.', report) },
} satisfies Operation
