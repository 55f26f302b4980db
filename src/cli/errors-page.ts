import { adviceFor } from '../core/server-reasons.ts'
import { errorAdvice } from './error-advice.ts'
import { exitStatusOfCode } from './exit-codes.ts'
import type { CodeUse } from './source-codes.ts'

interface Section {
  readonly title: string
  readonly text: string
  readonly holds: RegExp
}

/** A code stands in the first section that one of its files belongs to. */
const SECTIONS: readonly Section[] = [
  {
    title: 'Starting and commands',
    text: 'Printed by `orrery` on standard error, with an exit status for scripts, and by the hub when the database or the proxy fails later.',
    holds: /^(app|config|db|proxy|routing|core\/scopes)\/|^access\/cookie-secret|^cli\/with-database/,
  },
  {
    title: 'Signing in and accounts',
    text: 'Shown by the login page and by the forms of own accounts.',
    holds: /^(authenticators|features\/sign-in)\//,
  },
  {
    title: 'Servers',
    text: 'Why a start, a run or a stop ended: on the page, in the API as `reason`, in the event stream. Without a status of its own a reason is answered with 500, a time that ran out with 504.',
    holds:
      /^(spawning|spawners|launcher|features\/servers|services\/culler)\/|routes\/(spawn|pending)|core\/(exit-reason|log-symptoms)/,
  },
  { title: 'Pages and API', text: 'Answers to single requests.', holds: /./ },
]

/** docs/reference/errors.md. `uses` are those of the sources. */
export function errorsPage(uses: readonly CodeUse[]): string {
  const byCode = [...Map.groupBy(uses, use => use.code)].sort(([a], [b]) => (a < b ? -1 : 1))
  const placed = Map.groupBy(byCode, ([, all]) => SECTIONS.find(({ holds }) => all.some(use => holds.test(use.file)))!)
  const parts = SECTIONS.map(section => {
    const entries = (placed.get(section) ?? []).map(([code, all]) => entry(code, all))
    return `## ${section.title}\n\n${section.text}\n\n${entries.join('\n\n')}`
  })
  return `# Errors

<!-- Written by \`npm run docs\` from the sources and src/cli/error-advice.ts; change them there. -->

Every failure has a code that stays the same in all versions, a sentence, and where there is one a next step. The API
answers \`{"status": 404, "message": "...", "code": "no_such_user"}\`, with \`next_step\` where something can be done. From 500
up the answer has a \`reference\` too: search the logs for it. Search this page for a code. Words in capitals stand for what
the message names.

${parts.join('\n\n')}
`
}

function entry(code: string, uses: readonly CodeUse[]): string {
  const advice = errorAdvice[code]
  const reason = adviceFor(code)
  const statuses = [...new Set(uses.map(use => use.status).filter(status => status !== undefined))]
  if (statuses.length === 0 && advice?.status !== undefined) statuses.push(advice.status)
  const exit = exitStatusOfCode(code)
  const facts = [
    statuses.length > 0 ? `Status ${statuses.sort().join(' or ')}` : undefined,
    exit === undefined ? undefined : `exit status ${exit}`,
  ].filter(fact => fact !== undefined)
  const steps = reason ? `${escaped(reason.person)} Administrators: ${escaped(reason.administrator)}` : undefined
  const told = reason ? uses.map(({ nextStep: _, ...use }) => ({ ...use, nextStep: undefined })) : uses
  return [
    `### ${code}`,
    capitalised(facts.join(', ')),
    meanings(told, advice?.meaning),
    steps ?? escaped(advice?.todo ?? ''),
  ]
    .filter(part => part !== '')
    .join('\n\n')
}

/** Each message once, with its next step. */
function meanings(uses: readonly CodeUse[], meaning: string | undefined): string {
  const told = new Map<string, string | undefined>()
  for (const { message, nextStep } of uses) {
    const text = message ?? meaning
    if (text !== undefined && !told.get(text)) told.set(text, nextStep)
  }
  return [...told].map(([message, nextStep]) => `- *${escaped(message)}* ${escaped(nextStep ?? '')}`.trim()).join('\n')
}

function capitalised(text: string): string {
  return text === '' ? '' : `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}

/** Code spans stay as they are. */
function escaped(text: string): string {
  return text.replace(/`[^`]*`|[*<]/g, sign => ({ '*': '\\*', '<': '&lt;' })[sign] ?? sign)
}
