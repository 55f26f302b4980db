/** '/hub/accept-share?code=…': somebody offers the use of their server. JupyterHub's `AcceptShareHandler`. */
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { UserIdentity } from '../../access/identity.ts'
import { HubError } from '../../core/errors.ts'
import { describeScopes } from '../../core/scopes/describe.ts'
import type { ServerKey } from '../../core/server-key.ts'
import { serverUrl } from '../../core/subdomains.ts'
import type { Invited, PageDeps } from '../deps.ts'
import { ownAddress } from '../next-url.ts'
import { signedIn, signedInForm } from '../page-guards.ts'
import { sendPage, userVars } from '../page-vars.ts'
import { formText, queryText } from '../request-parts.ts'
import { serverVars } from '../server-vars.ts'

export function acceptShareRoutes(app: FastifyInstance, deps: PageDeps): void {
  app.get(
    '/hub/accept-share',
    signedIn(deps, async (request, reply, me) => {
      const code = codeOf(request)
      const { owner, server, scopes, isAccepted } = await deps.shares.invitation(code, invited(request, me))
      const key = { user: owner.name, server: server.name }
      return sendPage(deps, request, reply, {
        template: 'accept-share.html',
        vars: {
          code,
          owner: userVars(deps, owner),
          spawner: serverVars(deps.settings, owner.name, server),
          spawner_ready: server.state.phase === 'ready',
          spawner_url: serverUrl(key, deps.settings),
          scope_descriptions: describeScopes(scopes, me.name, deps.access.scopeDefinitions),
          is_accepted: isAccepted,
          next_url: nextOf(request, key),
        },
      })
    }),
  )

  app.post(
    '/hub/accept-share',
    signedInForm(deps, async (request, reply, me) => {
      const key = await deps.shares.accept(codeOf(request), invited(request, me))
      return reply.redirect(nextOf(request, key))
    }),
  )

  /** Without `next`, or with one that leads elsewhere: the shared server. */
  function nextOf(request: FastifyRequest, key: ServerKey): string {
    const asked = formText(request, 'next') || queryText(request, 'next')
    return ownAddress(deps, request, asked) || serverUrl(key, deps.settings)
  }
}

function invited({ ip }: FastifyRequest, { id, name }: UserIdentity): Invited {
  return { id, name, address: ip }
}

function codeOf(request: FastifyRequest): string {
  const code = (formText(request, 'code') || queryText(request, 'code')).trim()
  if (code !== '') return code
  throw new HubError('share_code_missing', {
    status: 400,
    message: 'The address of this invitation lacks its code.',
    nextStep: 'Open the whole address that you were sent.',
  })
}
