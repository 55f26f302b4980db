/** The form that a site shows before a start: JupyterHub's `options_form` and `options_from_form`. */
import type { Json, Logger, MaybePromise } from '../core/runtime.ts'
import type { FormContext } from '../plugin/hooks.ts'
import type { OptionsForm, UserRecord } from '../plugin/spawner.ts'
import { runHook } from './run-hook.ts'

type Html = string | ((user: UserRecord, context: FormContext) => MaybePromise<string>)
type FormFields = Readonly<Record<string, readonly string[]>>
type Parse = 'passthrough' | 'simple' | ((form: FormFields) => MaybePromise<{ [option: string]: Json }>)

export type SiteOptionsForm = Html | { readonly html: Html; readonly parse: Parse }

/** `authStateOf` is asked only by forms that are functions. */
export function siteOptionsForm(
  given: SiteOptionsForm,
  { authStateOf, log }: { authStateOf(user: UserRecord): Promise<Json>; log: Logger },
): (user: UserRecord, signal: AbortSignal) => Promise<OptionsForm> {
  const { html, parse } = typeof given === 'object' ? given : { html: given, parse: 'passthrough' as const }
  return async (user, signal) => ({
    html:
      typeof html === 'string'
        ? html
        : await runHook('servers.optionsForm', signal, async () =>
            html(user, { authState: await authStateOf(user), signal, log }),
          ),
    parse: form => parseForm(parse, form),
  })
}

function parseForm(parse: Parse, form: FormFields): MaybePromise<Json> {
  if (typeof parse === 'function') return parse(form)
  const entries = Object.entries(form)
  if (parse === 'passthrough') return Object.fromEntries(entries.map(([name, values]) => [name, [...values]]))
  return Object.fromEntries(entries.map(([name, values]) => [name, simpleValue(values)]))
}

/** One value stands alone, and a ticked box is true. */
function simpleValue(values: readonly string[]): Json {
  if (values.length !== 1) return [...values]
  return values[0] === 'on' ? true : values[0]!
}
