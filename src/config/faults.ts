import type { z } from 'zod'
import { valueAt } from './config-tree.ts'
import { isSecret, namesBelow } from './option-names.ts'
import { suggestionFor } from './suggestion.ts'

type Issue = z.core.$ZodIssue
type Path = readonly PropertyKey[]

export interface Fault {
  readonly path: Path
  /** `expected a string, got 7` */
  readonly message: string
}

/** What is wrong, in words, each with its place. `input` is what was checked. */
export function faultsOf(issues: readonly Issue[], input: unknown, below: Path = []): Fault[] {
  return issues.flatMap(issue => faultsOfIssue(issue, input, [...below, ...issue.path]))
}

/** `access.allowedUsers[1]` */
export function pathText(path: Path): string {
  return path
    .map((part, index) => {
      if (typeof part === 'number') return `[${part}]`
      const name = String(part)
      const text = /^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name)
      return index === 0 ? text : `.${text}`
    })
    .join('')
}

function faultsOfIssue(issue: Issue, input: unknown, path: Path): Fault[] {
  const got = `got ${shown(path, valueAt(input, path))}`
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = namesBelow(path, valueAt(input, path))
      return issue.keys.map(key => {
        const suggestion = suggestionFor(key, known)
        return { path: [...path, key], message: `unknown option${suggestion ? `, did you mean ${suggestion}?` : ''}` }
      })
    }
    case 'invalid_union':
      return faultsOfUnion(issue, input, path, got)
    case 'invalid_key':
      return [{ path, message: issue.issues[0]?.message ?? 'wrong name' }]
    case 'invalid_type':
      return [{ path, message: `expected ${TYPE_WORDS[issue.expected] ?? issue.expected}, ${got}` }]
    case 'invalid_value':
      return [{ path, message: `expected ${issue.values.map(value => JSON.stringify(value)).join(' or ')}, ${got}` }]
    case 'too_small':
      return [
        {
          path,
          message: `expected ${issue.inclusive ? 'at least' : 'more than'} ${issue.minimum}${unitOf(issue)}, ${got}`,
        },
      ]
    case 'too_big':
      return [{ path, message: `expected at most ${issue.maximum}${unitOf(issue)}, ${got}` }]
    default:
      return [
        {
          path,
          message: issue.message.startsWith('expected') ? `${issue.message}, ${got}` : `${issue.message} (${got})`,
        },
      ]
  }
}

function faultsOfUnion(
  issue: Extract<Issue, { code: 'invalid_union' }>,
  input: unknown,
  path: Path,
  got: string,
): Fault[] {
  // A described authenticator (`{ kind }`) is looked at as such; the site's own objects have no kind.
  if ('discriminator' in issue && issue.discriminator === 'kind') {
    const options = 'options' in issue && Array.isArray(issue.options) ? issue.options : []
    return [
      {
        path,
        message: `expected ${options.map(one => JSON.stringify(one)).join(' or ')}, ${got}`,
      },
    ]
  }
  const value = valueAt(input, path)
  const described = issue.errors.at(-1)
  const isPlugin = path.length === 1 && (path[0] === 'authenticator' || path[0] === 'spawner')
  if (
    isPlugin &&
    described &&
    (typeof value === 'string' || (typeof value === 'object' && value !== null && 'kind' in value)) &&
    issue.errors[0]?.[0]?.code === 'custom'
  ) {
    return faultsOf(described, input, path)
  }
  // `3.5` is of the right kind for "a number or a function": what is wrong with it says more than what else could stand there.
  const ofRightKind = issue.errors.filter(isOfRightKind)
  if (ofRightKind.length === 1) return faultsOf(ofRightKind[0]!, input, path)
  const first = issue.errors[0]?.[0]
  if (first?.code === 'custom') return [{ path, message: `${first.message}, ${got}` }]
  const types = issue.errors.flatMap(errors =>
    errors.flatMap(error => {
      if (error.code === 'invalid_type') return TYPE_WORDS[error.expected] ?? error.expected
      return error.code === 'custom' ? error.message.replace(/^expected /, '') : []
    }),
  )
  return [{ path, message: `expected ${[...new Set(types)].join(' or ')}, ${got}` }]
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'an object',
  record: 'an object',
}

function unitOf(issue: { origin: string }): string {
  if (issue.origin === 'string') return ' characters'
  return issue.origin === 'array' ? ' entries' : ''
}

/** The value as one would write it, short, and not at all where it is secret. */
function shown(path: Path, value: unknown): string {
  if (isSecret(path.map(String).join('.'))) return 'a value that is not shown'
  if (value === undefined) return 'nothing'
  if (typeof value === 'function') return 'a function'
  const text = JSON.stringify(value) ?? String(value)
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

/** Nothing is wrong with the value as a whole: only with something in it, or with its size. */
function isOfRightKind(errors: readonly Issue[]): boolean {
  return errors.every(error => {
    if (error.path.length > 0) return true
    if (error.code === 'invalid_union') return error.errors.some(isOfRightKind)
    return error.code !== 'invalid_type' && error.code !== 'custom'
  })
}
