/** docs/reference/checks.md: every check with what it looks at. */
import { ALL_CHECKS } from './all-checks.ts'

export function checksPage(): string {
  const sections = ALL_CHECKS.map(({ id, title, items }) => {
    const rows = Object.entries(items).map(([item, text]) => `| \`${item}\` | ${text.replaceAll('|', '\\|')} |`)
    return `## ${id}\n\n${title}.\n\n| item | looked at |\n|---|---|\n${rows.join('\n')}`
  })
  return `# Checks of orrery doctor

<!-- Written by \`npm run docs\` from src/doctor/checks/; change the checks there. -->

\`orrery doctor\` runs all of them, \`orrery doctor disk database\` these two. It changes nothing, and works whether Orrery
runs or not. Each line is one of

| level | means |
|---|---|
| \`ok\` | as it should be |
| \`skipped\` | could not be looked at from here; the line says how it can be |
| \`warning\` | works, and somebody should know |
| \`failure\` | does not work, for some or for all |

with the next step below it. The exit status is 0 without failures, whatever the warnings, 1 with some, and 2 for a check
that there is not. As root it sees most; as anybody else it says what it could not look at.

\`--json\` prints one object: \`version\` (of Orrery), \`at\` (time), \`ok\` (no failure), \`counts\` by level, and
\`findings\`, each with \`check\`, \`title\` (of the check), \`item\`, \`level\`, \`message\`, \`next_step\` (or null) and \`details\` (an object of figures
and names). \`check\` and \`item\` are stable; a check that took too long has the item \`time\`, one that broke down \`check\`.

Administrators have the same on the page **Health**, and programs at \`POST /hub/api/orrery/doctor\` (scopes \`admin-ui\` and
\`read:hub\`): the hub looks, as its own user, and one run at a time.

${sections.join('\n\n')}
`
}
