import { inspect } from 'node:util'
import { z } from 'zod'
import { allOptions, authenticatorKinds, type KindOptions, type NamedOption, spawnerKinds } from './option-names.ts'

/** docs/reference/config.md: every option as it is declared. */
export function referencePage(): string {
  return `# Options

<!-- Written by \`npm run docs\` from src/config/; change the declarations there. -->

An option stands in \`orrery.config.ts\` (or \`.js\`, \`.mjs\`, \`.json\`), which is looked for in the working folder and in
\`/etc/orrery\`; \`--config\` or \`ORRERY_CONFIG\` names another, or a \`jupyterhub_config.py\`
([as it is](../how-to/come-from-jupyterhub.md#start-with-jupyterhub_configpy)). A variable of the environment wins over the file, a flag
over both. Durations are seconds or texts such as \`'90s'\`, \`'5m'\`, \`'12h'\`, \`'14d'\`; sizes are bytes or texts such as
\`'512M'\`, \`'2G'\`. Relative paths start from the folder of the file. Where a secret is wanted, \`{ file: '/path' }\` and
\`{ env: 'NAME' }\` do as well, and the variable with \`_FILE\` at its end names a file.

\`\`\`ts
import { defineConfig, pam } from 'orrery'

export default defineConfig({
  bindUrl: 'http://0.0.0.0:8000',
  authenticator: pam(),
  access: { allowedGroups: ['physics'], adminUsers: ['ada'] },
  servers: { memLimit: '2G' },
})
\`\`\`

${grouped().map(sectionText).join('\n\n')}

${kindsText('authenticator', 'Authenticators', authenticatorKinds)}

${kindsText('spawner', 'Spawners', spawnerKinds)}
`
}

function grouped(): [string, NamedOption[]][] {
  const groups = Map.groupBy(allOptions, option => option.at.slice(0, -1).join('.'))
  return [...groups]
}

function sectionText([name, options]: [string, readonly NamedOption[]]): string {
  return `## ${name === '' ? 'Top level' : name}\n\n${options.map(option => optionText(option)).join('\n\n')}`
}

function kindsText(option: string, title: string, kinds: readonly KindOptions[]): string {
  const texts = kinds.map(({ kind, options }) => {
    const call = kind.replace(/-./g, letter => letter[1]!.toUpperCase())
    return `### ${call}()\n\nIn JSON: \`{ "kind": "${kind}" }\`.${options.map(one => `\n\n${optionText(one, '####')}`).join('')}`
  })
  return `## ${title}\n\nValues of \`${option}\`, made by functions that \`orrery\` exports.\n\n${texts.join('\n\n')}`
}

function optionText(option: NamedOption, mark = '###'): string {
  const isCode = typeText(option.schema) === 'function' // its example is its text
  const isPart = option.at.length > 1 && ['authenticator', 'spawner'].includes(option.at[0]!)
  const lines = [
    `${mark} ${isPart ? option.at.at(-1) : option.path}`,
    '',
    option.description,
    '',
    `- Type: ${typeText(option.schema)}${option.secret ? ', secret' : ''}`,
    `- Default: ${defaultText(option)}`,
    isCode ? `- Example: \`\`${option.example}\`\`` : `- Example: \`${example(option.example)}\``,
  ]
  // A function cannot stand in a variable.
  if (!isPart && !isCode) lines.push(`- Variable: \`${option.environmentName}\``)
  return lines.join('\n')
}

function defaultText(option: NamedOption): string {
  if (option.computed) return option.computed
  const parsed = option.schema.safeParse(undefined)
  if (!parsed.success) return 'none, it must be given'
  return parsed.data === undefined ? 'none' : `\`${example(parsed.data)}\``
}

/** As one would write it in TypeScript. */
function example(value: unknown): string {
  return inspect(value, { breakLength: Number.POSITIVE_INFINITY, depth: 5 })
}

function typeText(schema: z.ZodType): string {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return jsonTypeText(json)
}

function jsonTypeText(json: z.core.JSONSchema.BaseSchema): string {
  if (json.title) return json.title
  if (json.enum) return json.enum.map(value => `\`'${value}'\``).join(' or ')
  const alternatives = json.anyOf ?? json.oneOf
  if (alternatives) {
    const words = alternatives
      .filter(one => typeof one === 'object')
      .map(jsonTypeText)
      .filter(text => text !== 'anything')
    return [...new Set(words)].join(' or ')
  }
  switch (json.type) {
    case 'array':
      return `list of ${typeof json.items === 'object' && !Array.isArray(json.items) ? plural(jsonTypeText(json.items)) : 'anything'}`
    case 'object':
      return 'object'
    case 'string':
      return 'string'
    case 'integer':
      return 'whole number'
    case 'number':
      return 'number'
    case 'boolean':
      return 'true or false'
    default:
      return 'anything'
  }
}

function plural(word: string): string {
  return word.endsWith('s') ? word : `${word}s`
}
