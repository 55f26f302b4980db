/** How many wrong tokens and share codes are too many, of whom, and who hears of them. */
import type { TokenGuesses } from '../../access/identification.ts'
import type { Config } from '../../config/schema.ts'
import type { Clock, Logger } from '../../core/runtime.ts'
import type { Db } from '../../db/database.ts'
import { createGuessLimit } from '../../features/sign-in/guess-limit.ts'
import { addressSubjectOf, codeUserSubject } from '../../features/sign-in/throttle-subjects.ts'
import type { HubMetrics } from '../../http/metrics.ts'

/** As `TokenGuesses`, for invitations that somebody signed in tries. */
export interface ShareCodeGuesses {
  check(who: { name: string; address: string }): Promise<void>
  wrong(who: { name: string; address: string }, code: string): Promise<void>
}

interface Deps {
  readonly db: Db
  readonly config: Config
  readonly metrics: Pick<HubMetrics, 'wrongGuesses'>
  readonly clock: Clock
  readonly log: Logger
}

/** A class may share an address; one person has codes of few others. */
const PEOPLE_PER_ADDRESS = 10

export function tokenGuesses(deps: Deps): TokenGuesses {
  const limit = guessLimit(deps, 'token', ['token-address'])
  const { tokenFailures } = deps.config.signIn
  const subjects = (address: string) => [addressSubjectOf('token-address', address, tokenFailures)]
  return {
    check: address => limit.check(subjects(address)),
    wrong: (address, token) => limit.wrong(subjects(address), token),
  }
}

export function shareCodeGuesses(deps: Deps): ShareCodeGuesses {
  const limit = guessLimit(deps, 'share code', ['code-user', 'code-address'])
  const { codeFailures } = deps.config.signIn
  const subjects = ({ name, address }: { name: string; address: string }) => [
    codeUserSubject(name, codeFailures),
    addressSubjectOf('code-address', address, codeFailures * PEOPLE_PER_ADDRESS),
  ]
  return {
    check: who => limit.check(subjects(who)),
    wrong: (who, code) => limit.wrong(subjects(who), code),
  }
}

function guessLimit(
  { db, config, metrics, clock, log }: Deps,
  what: 'token' | 'share code',
  kinds: Parameters<typeof createGuessLimit>[0]['kinds'],
) {
  const { window, lock } = config.signIn
  const count = () => metrics.wrongGuesses.inc({ what: what.replace(' ', '_') })
  return createGuessLimit({ db, what, kinds, windowMs: window * 1000, lockMs: lock * 1000, clock, log, count })
}
