/** For how long a new token may live: the choices of the token page, as JupyterHub offers them. */
export interface ExpiryChoice {
  /** Seconds as text; empty for "never" or "as long as allowed". */
  readonly value: string
  readonly label: string
  readonly selected: boolean
}

const HOUR = 3600
const DAY = 24 * HOUR
const USUAL: readonly (readonly [seconds: number, label: string])[] = [
  [HOUR, '1 hour'],
  [DAY, '1 day'],
  [7 * DAY, '1 week'],
  [30 * DAY, '1 month'],
  [365 * DAY, '1 year'],
]

/** `maxSeconds` 0: tokens may live for ever, and then that is the choice made beforehand, as in JupyterHub. */
export function expiryChoices(maxSeconds: number): ExpiryChoice[] {
  const allowed = USUAL.filter(([seconds]) => maxSeconds === 0 || seconds <= maxSeconds)
  const choices = allowed.map(([seconds, label]) => ({ value: String(seconds), label }))
  if (maxSeconds === 0) choices.push({ value: '', label: 'Never' })
  else if (!allowed.some(([seconds]) => seconds === maxSeconds))
    choices.push({ value: '', label: `Max (${maxLabel(maxSeconds)})` })
  return choices.map((choice, index) => ({ ...choice, selected: index === choices.length - 1 }))
}

/** For templates that take `token_expires_in_options_html`, as JupyterHub's do. */
export function expiryChoicesHtml(choices: readonly ExpiryChoice[]): string {
  return choices
    .map(({ value, label, selected }) => `<option value="${value}"${selected ? ' selected' : ''}>${label}</option>`)
    .join('\n')
}

function maxLabel(seconds: number): string {
  const days = seconds / DAY
  return days < 3 ? `${Math.round(seconds / HOUR)} hours` : `${Math.round(days)} days`
}
