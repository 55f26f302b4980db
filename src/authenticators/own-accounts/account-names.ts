import { isValidUserName } from '../../core/names.ts'
import type { FormFault } from './page-vars.ts'

/** Which names an own account may have. */
export interface NameRules {
  /** The whole name, already in lower case, has to match. */
  readonly pattern: RegExp
  /** One sentence for the sign-up page that says what the pattern says. */
  readonly hint: string
  /** Not given away by sign-up: the names of administrators in the config, and what the site adds. */
  readonly reserved: ReadonlySet<string>
}

export const DEFAULT_PATTERN = /^[a-z](?:[a-z0-9._-]{0,30}[a-z0-9])?$/
export const DEFAULT_HINT =
  'Letters a to z, digits, dots, hyphens and underscores; a letter first, a letter or digit last, at most 32 characters.'

/** As JupyterHub does it: names are in lower case. */
export function normalName(text: string): string {
  return text.trim().toLowerCase()
}

/** What is wrong with a name somebody wants, if anything. `name` is in lower case. */
export function nameFault(name: string, rules: NameRules): FormFault | undefined {
  if (name === '') return { field: 'username', code: 'name_missing', message: 'Choose a name.' }
  if (!isValidUserName(name, wholeMatch(rules.pattern)) || name.includes('..')) {
    return { field: 'username', code: 'name_invalid', message: `This name cannot be used. ${rules.hint}` }
  }
  if (rules.reserved.has(name)) {
    return {
      field: 'username',
      code: 'name_reserved',
      message: 'This name is kept for somebody; an administrator has to make the account.',
    }
  }
  return undefined
}

function wholeMatch(pattern: RegExp): RegExp {
  return new RegExp(`^(?:${pattern.source})$`, pattern.flags.replace('g', ''))
}
