import { failure, type Outcome, ok, warning } from './check.ts'

const DAY_MS = 86_400_000
/** Whoever renews by themselves has done it by then; there is still time to look. */
const WARN_DAYS = 14

/** `what`: subject of the sentence. */
export function certificateAge<Item extends string>(
  item: Item,
  what: string,
  notAfter: Date,
  now: Date,
  nextStep: string,
): Outcome<Item> {
  const days = Math.floor((notAfter.getTime() - now.getTime()) / DAY_MS)
  const details = { not_after: notAfter.toISOString(), days }
  const day = notAfter.toISOString().slice(0, 10)
  if (notAfter <= now) return failure(item, `${what} ran out on ${day}.`, nextStep, details)
  if (days < WARN_DAYS)
    return warning(item, `${what} runs out on ${day}, in ${days === 1 ? 'a day' : `${days} days`}.`, nextStep, details)
  return ok(item, `${what} is good until ${day}.`, details)
}
