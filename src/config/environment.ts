import { z } from 'zod'
import { type NamedOption, optionsByEnvironmentName } from './option-names.ts'
import { suggestionFor } from './suggestion.ts'

export interface EnvironmentValues {
  readonly values: readonly { option: NamedOption; value: unknown }[]
  /** Sentences about variables that look like ours and are not. */
  readonly notices: readonly string[]
}

/** Variables of Orrery that are no options. */
const OTHERS = /^ORRERY_(CONFIG(_PYTHON)?$|TEST_|INTERNAL_)/

/** Options out of variables such as `ORRERY_SERVERS_START_TIMEOUT=2m`. Lists are JSON or separated by commas. */
export function readEnvironment(env: NodeJS.ProcessEnv): EnvironmentValues {
  const values: { option: NamedOption; value: unknown }[] = []
  const notices: string[] = []
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith('ORRERY_') || text === undefined || OTHERS.test(name)) continue
    const option = optionsByEnvironmentName.get(name)
    // As containers hand in secrets: the variable with _FILE at its end names a file.
    const fileOf = name.endsWith('_FILE') ? optionsByEnvironmentName.get(name.slice(0, -'_FILE'.length)) : undefined
    if (option) values.push({ option, value: parseText(text, option.schema) })
    else if (fileOf?.secret) values.push({ option: fileOf, value: { file: text } })
    else notices.push(unknownName(name))
  }
  return { values, notices }
}

/** Text as the option wants it; what cannot be read stays text, and the schema tells what it wants. */
export function parseText(text: string, schema: z.ZodType): unknown {
  const types = jsonTypes(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))
  if (/^\s*[[{"]/.test(text) && !types.includes('string')) return parseJson(text)
  if (types.includes('string')) return text
  if (types.includes('array')) return text === '' ? [] : text.split(',').map(item => item.trim())
  if (types.includes('boolean')) return BOOLEANS[text.trim().toLowerCase()] ?? text
  if (types.includes('number') || types.includes('integer')) {
    return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text)
  }
  return text
}

const BOOLEANS: Readonly<Record<string, boolean>> = {
  true: true,
  '1': true,
  yes: true,
  false: false,
  '0': false,
  no: false,
}

function jsonTypes(schema: z.core.JSONSchema.BaseSchema): string[] {
  const alternatives = [schema, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]
  return alternatives.flatMap(one => (typeof one === 'object' ? [one.type ?? []].flat() : []))
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

function unknownName(name: string): string {
  const suggestion = suggestionFor(name, [...optionsByEnvironmentName.keys()])
  return `The variable ${name} is none of Orrery's and has no effect.${suggestion ? ` Did you mean ${suggestion}?` : ''}`
}
