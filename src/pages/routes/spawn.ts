/** '/hub/spawn': the options form where the spawner has one, else the start itself (JupyterHub's `SpawnHandler`). */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { UserIdentity } from '../../access/identity.ts'
import { HubError } from '../../core/errors.ts'
import { checkNewServerName, spawnPendingPath } from '../../core/names.ts'
import { SpawnError } from '../../core/reason.ts'
import type { Json } from '../../core/runtime.ts'
import type { ServerKey } from '../../core/server-key.ts'
import { serverUrl } from '../../core/subdomains.ts'
import type { FormFields, OptionsForm, ProfileCard } from '../../plugin/spawner.ts'
import type { PageDeps, PageServer } from '../deps.ts'
import { namedServerLimit } from '../named-server-limit.ts'
import { isActive, nextUrl, withQuery, withQueryOf } from '../next-url.ts'
import { reachUser, signedIn, signedInForm } from '../page-guards.ts'
import { sendPage, userVars } from '../page-vars.ts'
import { formLists, queryLists, queryText } from '../request-parts.ts'
import { serverPhrase } from '../server-vars.ts'

/**
 * A server that is preloaded is there in less, and the page of its progress would only be in its way: that one goes on to
 * the server at once, as in JupyterHub, which waits as long.
 */
const QUICK_START_MS = 1_000

interface SpawnParams {
  user?: string
  server?: string
}

export function spawnRoutes(app: FastifyInstance, deps: PageDeps): void {
  for (const path of ['/hub/spawn', '/hub/spawn/:user', '/hub/spawn/:user/:server']) {
    app.get(
      path,
      signedIn(deps, (request, reply, me) => showOrStart(deps, request, reply, me)),
    )
    app.post(
      path,
      signedInForm(deps, (request, reply, me) => startFromForm(deps, request, reply, me)),
    )
  }
}

async function showOrStart(deps: PageDeps, request: FastifyRequest, reply: FastifyReply, me: UserIdentity) {
  const wanted = await wantedServer(deps, request, me)
  const { key, server } = wanted
  const target = serverUrl(key, deps.settings)
  if (server?.state.phase === 'ready') return reply.redirect(await nextUrl(deps, request, { fallback: target }))
  if (isActive(server?.state.phase)) return reply.redirect(pendingUrl(deps, request, key))

  const form = await deps.servers.optionsForm(key)
  const hasForm = form !== undefined && hasFields(form)
  const asked = optionsInQuery(request, form !== undefined)
  let fault: unknown
  if (asked !== undefined || !hasForm) {
    try {
      const options = asked && (form ? await form.parse(asked) : (asked as unknown as Json)) // lists of texts are JSON
      await start(deps, request, me, wanted, options)
      return reply.redirect(pendingUrl(deps, request, key))
    } catch (error) {
      if (mustSignInAgain(error, me, key)) {
        return reply.redirect(`${deps.settings.baseUrl}hub/login?next=${encodeURIComponent(request.url)}`)
      }
      if (!hasForm) throw error
      fault = error
    }
  }
  deps.servers.expectStart(key.user)
  return sendForm(deps, request, reply, { me, key, server, form, fault, entered: asked ?? {} })
}

async function startFromForm(deps: PageDeps, request: FastifyRequest, reply: FastifyReply, me: UserIdentity) {
  const wanted = await wantedServer(deps, request, me)
  const { key, server } = wanted
  if (isActive(server?.state.phase)) {
    // JupyterHub answers 400; a second press of the button should rather see what the first one did.
    return reply.redirect(pendingUrl(deps, request, key), 303)
  }
  const form = await deps.servers.optionsForm(key)
  const entered = formLists(request)
  try {
    await start(deps, request, me, wanted, await form?.parse(entered))
    return reply.redirect(pendingUrl(deps, request, key), 303)
  } catch (fault) {
    if (form === undefined || !hasFields(form)) throw fault
    return sendForm(deps, request, reply, { me, key, server, form, fault, entered })
  }
}

/** A site may say how options are read and show no field. */
function hasFields(form: OptionsForm): boolean {
  return form.html !== '' || form.profiles !== undefined
}

/** What is known of them has expired (`signIn.refreshPreSpawn`), and they are the one who can mend it. */
function mustSignInAgain(error: unknown, me: UserIdentity, key: ServerKey): boolean {
  return error instanceof HubError && error.code === 'auth_expired' && me.name === key.user
}

type Wanted = Awaited<ReturnType<typeof wantedServer>>

async function wantedServer(deps: PageDeps, request: FastifyRequest, me: UserIdentity) {
  const params = request.params as SpawnParams // typed by the routes above
  const key = { user: params.user ?? me.name, server: params.server ?? '' }
  const user = await reachUser(deps, me, key)
  const server = await latestServer(deps, key)
  if (key.server !== '') await checkNamedServer(deps, key, server, displayName(request, key))
  return { key, user, server }
}

// Whoever ended their server from within and wants a new one must not be sent to the old one.
async function latestServer(deps: PageDeps, key: ServerKey): Promise<PageServer | undefined> {
  const server = await deps.servers.find(key)
  if (server?.state.phase !== 'ready') return server
  await deps.servers.check(key)
  return deps.servers.find(key)
}

async function checkNamedServer(deps: PageDeps, key: ServerKey, server: PageServer | undefined, display: string) {
  const { allowNamedServers } = deps.settings
  if (!allowNamedServers) {
    throw new HubError('named_servers_disabled', { status: 400, message: 'Named servers are not enabled.' })
  }
  if (server) return
  const named = (await deps.servers.list(key.user)).filter(other => other.name !== '')
  const limit = await namedServerLimit(deps, key.user)
  if (limit > 0 && named.length >= limit) {
    throw new HubError('too_many_named_servers', {
      status: 400,
      message: `User ${key.user} already has the maximum of ${limit} named servers.`,
      nextStep: 'Delete one before you make another.',
    })
  }
  checkNewServerName(key.server, display)
}

async function start(deps: PageDeps, request: FastifyRequest, me: UserIdentity, wanted: Wanted, options?: Json) {
  const { key, user } = wanted
  await deps.refresh?.beforeStart(user, me)
  await deps.servers.start(key, {
    requestedBy: me.name,
    ...(options !== undefined && { options }),
    ...(key.server !== '' && { displayName: displayName(request, key) }),
  })
  await deps.servers.settled(key, QUICK_START_MS)
}

function displayName(request: FastifyRequest, key: ServerKey): string {
  return queryText(request, 'display_name') || key.server
}

/**
 * Options in the address: arguments that begin with `opt-`, else (JupyterHub's old form) all that have no other
 * meaning. Undefined when there are none. Where no form says which options there are, the old form is not taken: any
 * argument that a link carries along would become one.
 */
function optionsInQuery(request: FastifyRequest, hasForm: boolean): Record<string, readonly string[]> | undefined {
  const given = Object.entries(queryLists(request)).filter(([name]) => name !== 'next' && name !== 'display_name')
  const prefixed = given
    .filter(([name]) => name.startsWith('opt-'))
    .map(([name, values]) => [name.slice(4), values] as const)
  if (prefixed.some(([name]) => name === '')) {
    throw new HubError('invalid_options', { status: 422, message: 'Invalid user-option name opt-' })
  }
  const options = prefixed.length > 0 || !hasForm ? prefixed : given
  return options.length > 0 ? Object.fromEntries(options) : undefined
}

/** Options stay in the address, as in JupyterHub: they tell what is being started. `next` is kept for afterwards. */
function pendingUrl(deps: PageDeps, request: FastifyRequest, key: ServerKey): string {
  const plain = withQueryOf(request, spawnPendingPath(key, deps.settings.baseUrl), ['next', 'display_name', '_xsrf'])
  const next = queryText(request, 'next')
  return next === '' ? plain : withQuery(plain, { next })
}

async function sendForm(
  deps: PageDeps,
  request: FastifyRequest,
  reply: FastifyReply,
  {
    me,
    key,
    server,
    form,
    fault,
    entered,
  }: {
    me: UserIdentity
    key: ServerKey
    server: PageServer | undefined
    form: OptionsForm
    fault?: unknown
    entered: FormFields
  },
) {
  const told = fault === undefined ? undefined : tellFault(deps, key, fault)
  const fields = fault instanceof HubError ? fault.fields : undefined
  const profiles = form.profiles?.(fault === undefined ? undefined : { form: entered, fields: fields ?? {} })
  const forUser = await deps.users.find(key.user)
  return sendPage(deps, request, reply, {
    template: 'spawn.html',
    authStateOf: key.user,
    status: told?.status ?? 200,
    vars: {
      for_user: forUser && userVars(deps, forUser),
      // In the variable of JupyterHub, so that a site's own page shows profiles too.
      spawner_options_form: profiles ? deps.renderer.render('profiles.html', { profiles }) : form.html,
      no_profile: profiles?.length === 0,
      error_message: markedFaults(profiles, fields) ?? told?.message,
      error_next: told?.nextStep,
      url: request.url,
      server_title: serverPhrase(server ?? { name: key.server }, key.user, me.name),
    },
  })
}

/** The message names one fault by the name that programs use; people see each at its field, where all of them have one. */
function markedFaults(profiles: readonly ProfileCard[] | undefined, fields: HubError['fields']): string | undefined {
  const marked = profiles?.flatMap(card => card.fields).filter(field => field.fault !== undefined).length
  if (!marked || marked !== Object.keys(fields ?? {}).length) return undefined
  return marked === 1 ? 'One field is not right yet.' : `${marked} fields are not right yet.`
}

function tellFault(deps: PageDeps, key: ServerKey, fault: unknown) {
  deps.log.warn({ err: fault, user: key.user, server: key.server }, 'start refused')
  if (fault instanceof SpawnError) return { status: fault.status, ...fault.reason }
  if (fault instanceof HubError) return { status: fault.status, message: fault.message, nextStep: fault.nextStep }
  return {
    status: 500,
    message: 'The server could not be started.',
    nextStep: 'Tell the administrator if it happens again.',
  }
}
