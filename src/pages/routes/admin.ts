/** '/hub/admin': the table of users, searched and paged by the server; every action is a form. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { UserIdentity } from '../../access/identity.ts'
import { HubError } from '../../core/errors.ts'
import type { PageAdmin, PageAdminUser, PageDeps } from '../deps.ts'
import { withQuery } from '../next-url.ts'
import { requireAdminUi, signedIn, signedInForm } from '../page-guards.ts'
import { sendPage, userVars } from '../page-vars.ts'
import { formText, queryText } from '../request-parts.ts'
import { serverVars } from '../server-vars.ts'
import { templateTime } from '../template-time.ts'

const PAGE_SIZE = 50

export function adminRoutes(app: FastifyInstance, deps: PageDeps, admin: PageAdmin): void {
  const page = `${deps.settings.baseUrl}hub/admin`

  app.get(
    '/hub/admin',
    signedIn(deps, async (request, reply, me) => {
      requireAdminUi(me)
      return sendUsers(deps, admin, request, reply, me)
    }),
  )

  app.get<{ Params: { name: string } }>(
    '/hub/admin/delete/:name',
    signedIn(deps, async (request, reply, me) => {
      requireScope(me, 'delete:users')
      const { name } = request.params as { name: string } // typed by the route
      const user = await deps.users.find(name)
      if (!user) throw new HubError('no_such_user', { status: 404, message: `There is no user ${name}.` })
      const servers = await deps.servers.list(name)
      const running = servers.filter(server => server.state.phase !== 'stopped' && server.state.phase !== 'failed')
      return sendPage(deps, request, reply, {
        template: 'delete_user.html',
        vars: { page: 'admin', name, running: running.map(server => server.name || 'the default server'), back: page },
      })
    }),
  )

  const actions: Record<string, (form: FastifyRequest, me: UserIdentity) => Promise<string>> = {
    add: async (form, me) => {
      requireScope(me, 'admin:users')
      const names = formText(form, 'names')
        .split(/[\s,]+/)
        .filter(name => name !== '')
      if (names.length === 0) throw new HubError('no_user_names', { status: 400, message: 'There is no name to add.' })
      await admin.add(names, me.name)
      return names.join(' ')
    },
    'make-admin': async (form, me) => {
      requireScope(me, 'admin:users')
      await admin.setAdmin(formText(form, 'name'), true, me.name)
      return formText(form, 'name')
    },
    'remove-admin': async (form, me) => {
      requireScope(me, 'admin:users')
      await admin.setAdmin(formText(form, 'name'), false, me.name)
      return formText(form, 'name')
    },
    delete: async (form, me) => {
      requireScope(me, 'delete:users')
      const name = formText(form, 'name')
      if (formText(form, 'confirm') !== name) {
        throw new HubError('not_confirmed', { status: 400, message: `To delete ${name}, type the name exactly.` })
      }
      if (name === me.name)
        throw new HubError('deleting_oneself', { status: 400, message: 'You cannot delete yourself.' })
      await admin.remove(name, me.name)
      return name
    },
  }

  for (const [action, run] of Object.entries(actions)) {
    app.post(
      `/hub/admin/${action}`,
      signedInForm(deps, async (request, reply, me) => {
        requireAdminUi(me)
        try {
          const names = await run(request, me)
          return reply.redirect(withQuery(page, { ...listed(request), done: action, names }), 303)
        } catch (error) {
          if (!(error instanceof HubError) || error.status >= 500) throw error
          return sendUsers(deps, admin, request, reply, me, error)
        }
      }),
    )
  }

  function listed(request: FastifyRequest): Record<string, string> {
    const [search, offset] = [formText(request, 'search'), formText(request, 'offset')]
    return { ...(search && { search }), ...(offset && offset !== '0' && { offset }) }
  }
}

const doneSentences: Readonly<Record<string, (names: string) => string>> = {
  add: names => `Added: ${names}.`,
  'make-admin': names => `${names} is an administrator now.`,
  'remove-admin': names => `${names} is no longer an administrator.`,
  delete: names => `${names} was deleted.`,
}

function requireScope(me: UserIdentity, scope: string): void {
  requireAdminUi(me)
  if (me.scopes.get(scope) === 'all') return
  throw new HubError('scope_missing', { status: 403, message: `This needs the permission ${scope}.` })
}

async function sendUsers(
  deps: PageDeps,
  admin: PageAdmin,
  request: FastifyRequest,
  reply: FastifyReply,
  me: UserIdentity,
  fault?: HubError,
) {
  const page = `${deps.settings.baseUrl}hub/admin`
  const search = queryText(request, 'search') || formText(request, 'search')
  const offset = Math.max(0, Number.parseInt(queryText(request, 'offset') || formText(request, 'offset'), 10) || 0)
  const { users, total } = await admin.list({ search, offset, limit: PAGE_SIZE })
  const at = (start: number) =>
    withQuery(page, { ...(search && { search }), ...(start > 0 && { offset: String(start) }) })
  return sendPage(deps, request, reply, {
    template: 'admin.html',
    status: fault?.status ?? 200,
    vars: {
      page: 'admin',
      admin_url: page,
      users: users.map(user => adminUserVars(deps, user, me)),
      total,
      search,
      offset,
      first: total === 0 ? 0 : offset + 1,
      last: Math.min(offset + users.length, total),
      previous_url: offset > 0 ? at(Math.max(0, offset - PAGE_SIZE)) : undefined,
      next_url: offset + PAGE_SIZE < total ? at(offset + PAGE_SIZE) : undefined,
      here: at(offset),
      may_edit: me.scopes.get('admin:users') === 'all',
      may_delete: me.scopes.get('delete:users') === 'all',
      may_start: me.scopes.has('servers'),
      notice: fault ? undefined : doneSentences[queryText(request, 'done')]?.(queryText(request, 'names')),
      fault: fault && { message: fault.message, next: fault.nextStep },
      approval_url: deps.authenticator.name === 'own-accounts' ? `${deps.settings.baseUrl}hub/authorize` : undefined,
    },
  })
}

function adminUserVars(deps: PageDeps, user: PageAdminUser, me: UserIdentity) {
  const { baseUrl } = deps.settings
  const [defaultServer, ...named] = user.servers.map(server => serverVars(baseUrl, user.name, server))
  return {
    ...userVars(deps, user),
    is_self: user.name === me.name,
    last_activity: templateTime(user.lastActivity),
    server: defaultServer,
    named_servers: named,
    delete_url: `${baseUrl}hub/admin/delete/${encodeURIComponent(user.name)}`,
  }
}
