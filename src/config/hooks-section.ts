import type { MaybePromise } from '../core/runtime.ts'
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

/** Functions of the site's own that are called at certain moments. */
export const hooksSection = section({
  userRedirect: option(
    functionOf<(visit: UserRedirectRequest) => MaybePromise<string | undefined>>().optional(),
    'Where a link to `/hub/user-redirect/...` leads: a path or URL of this site; undefined for the usual place.',
    "({ user, path, baseUrl }) => baseUrl + 'user/' + user.name + '/' + path",
    { computed: "the same path below the person's server" },
  ),
})
