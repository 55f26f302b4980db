import type { MaybePromise } from '../core/runtime.ts'
import type { Hooks } from '../plugin/hooks.ts'
import type { UserRecord } from '../plugin/spawner.ts'
import { functionOf } from './functions.ts'
import { option, section } from './option.ts'

/** What `hooks.userRedirect` is told of the visit. */
export interface UserRedirectRequest {
  /** What follows `/user-redirect/`, still escaped: `lab/tree/a%20b.ipynb`. */
  readonly path: string
  /** The arguments of the address. */
  readonly query: URLSearchParams
  readonly user: UserRecord
  /** `/` or `/jupyter/`; paths of the site lie below it. */
  readonly baseUrl: string
}

const NOTHING = 'nothing is called'

/** Functions of the site's own that are called at certain moments. */
export const hooksSection = section({
  postAuth: option(
    functionOf<NonNullable<Hooks['postAuth']>>().optional(),
    'Called when somebody has proven who they are and may enter; returns what is known of them, throws to refuse.',
    'async proven => ({ ...proven, admin: await isOnDuty(proven.name) })',
    { computed: NOTHING },
  ),
  reconcileAuthState: option(
    functionOf<NonNullable<Hooks['reconcileAuthState']>>().optional(),
    'Makes one auth state of what the authenticator has told and what is kept; needs `authState.enabled`.',
    '(proven, kept) => ({ ...kept, ...proven.authState })',
    { computed: 'what the authenticator has told' },
  ),
  authState: option(
    functionOf<NonNullable<Hooks['authState']>>().optional(),
    'Called before each start with the auth state of the user, to bring it into the server.',
    "(server, state) => { server.environment.TOKEN = state?.token ?? '' }",
    { computed: NOTHING },
  ),
  preSpawn: option(
    functionOf<NonNullable<Hooks['preSpawn']>>().optional(),
    'Called last before each start; may change the server, throws to refuse it.',
    'async server => { await makeHome(server.user.name) }',
    { computed: NOTHING },
  ),
  postStop: option(
    functionOf<NonNullable<Hooks['postStop']>>().optional(),
    'Called after a server is gone, however it ended.',
    'async ({ user }) => { await releaseLicence(user.name) }',
    { computed: NOTHING },
  ),
  progressReady: option(
    functionOf<NonNullable<Hooks['progressReady']>>().optional(),
    "May change the event that tells, in the API's event stream, that a server is ready.",
    "event => ({ ...event, message: 'Here we go' })",
    { computed: 'the event as it is' },
  ),
  userRedirect: option(
    functionOf<(visit: UserRedirectRequest) => MaybePromise<string | undefined>>().optional(),
    'Where a link to `/hub/user-redirect/...` leads: a path or URL of this site; undefined for the usual place.',
    "({ user, path, baseUrl }) => baseUrl + 'user/' + user.name + '/' + path",
    { computed: "the same path below the person's server" },
  ),
})
