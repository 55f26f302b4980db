/** docs/reference/jupyterhub-options.md: what becomes of every trait, from the tables. */
import { isOption } from './mapping.ts'
import type { TraitRule } from './trait-rule.ts'
import { TRAIT_TABLES } from './traits/tables.ts'

export function traitsPage(): string {
  const sections = Object.entries(TRAIT_TABLES).filter(([, table]) => Object.keys(table).length > 0)
  return `# Options of JupyterHub

<!-- Written by \`npm run docs\` from src/config/jupyterhub/; change the tables there. -->

What becomes of each option when Orrery is started with a \`jupyterhub_config.py\`, or imports one: see
[Come from JupyterHub](../how-to/come-from-jupyterhub.md#start-with-jupyterhub_configpy). "Refused" means that nothing is
started while it is set to something else than JupyterHub's default, because leaving it out would be unsafe. A function
is refused in the same place where the option is marked with *, and left out with a warning elsewhere.

${sections.map(([section, table]) => sectionText(section, Object.entries(table))).join('\n\n')}
`
}

function sectionText(section: string, entries: readonly [string, TraitRule][]): string {
  const rows = entries.map(([name, rule]) => `| \`${name}\` | ${meaning(rule)} |`)
  return [`## ${section}`, '', '| option | becomes |', '|---|---|', ...rows].join('\n')
}

function meaning(rule: TraitRule): string {
  if ('renamed' in rule) return `an old name of \`${rule.renamed}\``
  if ('composed' in rule) return rule.composed
  if ('ignored' in rule) return `nothing: ${rule.ignored}`
  if ('unsupported' in rule) return `${rule.unsafe ? 'refused' : 'nothing'}. ${rule.unsupported}`
  if (isOption(rule.to)) return `\`${rule.to}\`${rule.unsafe ? ' *' : ''}`
  return `nothing yet${rule.unsafe ? ', so it is refused' : ''}.${rule.instead ? ` ${rule.instead}` : ''}`
}
