import type { PluginRequest, PluginResponse } from '../../plugin/authenticator.ts'
import { normalName } from './account-names.ts'
import type { OwnAccountsSetup } from './options.ts'
import type { AuthorizePageVars, AuthorizeRow } from './page-vars.ts'

const PAGE_SIZE = 50

/** GET /hub/authorize: the accounts, those that wait for approval first. For administrators. */
export async function showAccounts(setup: OwnAccountsSetup, request: PluginRequest): Promise<PluginResponse> {
  const view = viewOf(request.query)
  const [{ accounts, total }, { total: waiting }] = await Promise.all([
    setup.accounts.list({ offset: view.offset, limit: PAGE_SIZE, search: view.search, ...approvedFilter(view.show) }),
    setup.accounts.list({ offset: 0, limit: 1, approved: false }),
  ])
  const rows = accounts.map((account): AuthorizeRow => {
    const { name, email, approved, created, mustChange, legacy } = account
    const changePasswordUrl = request.hubUrl(`change-password/${encodeURIComponent(name)}`)
    return {
      name,
      email,
      approved,
      created,
      mustChange,
      legacy,
      isSelf: name === request.user!.name,
      changePasswordUrl,
    }
  })
  const at = (offset: number) => viewUrl(request, { ...view, offset })
  const vars: AuthorizePageVars = {
    accounts: rows,
    total,
    waiting,
    ...view,
    limit: PAGE_SIZE,
    previousUrl: view.offset > 0 ? at(Math.max(0, view.offset - PAGE_SIZE)) : undefined,
    nextUrl: view.offset + PAGE_SIZE < total ? at(view.offset + PAGE_SIZE) : undefined,
    action: request.hubUrl('authorize'),
    notice: noticeOf(request.query),
    faults: [],
  }
  return { page: 'authorize.html', vars: { ...vars } }
}

/** POST /hub/authorize with `name` and `do`; then shows the same list again. */
export async function decide(setup: OwnAccountsSetup, request: PluginRequest): Promise<PluginResponse> {
  const name = normalName(request.form.name ?? '')
  const by = request.user!.name
  const what = request.form.do ?? ''
  const done = name !== by && (await decisionOn(setup, name, what, by))
  if (done) request.context.log.info({ user: name, by, decision: what }, 'account decided on')
  const view = viewOf(request.form)
  return { redirect: viewUrl(request, view, { did: done ? what : 'nothing', name }) }
}

async function decisionOn(setup: OwnAccountsSetup, name: string, what: string, by: string): Promise<boolean> {
  const { accounts, endSessions } = setup
  if (what === 'approve') return accounts.approve(name, by)
  if (what === 'decline') {
    // A second click, or another administrator's, must not remove an account that was approved meanwhile.
    const account = await accounts.find(name)
    return account !== undefined && !account.approved && accounts.remove(name)
  }
  if (what !== 'withdraw' || !(await accounts.withdrawApproval(name, by))) return false
  await endSessions(name)
  return true
}

interface View {
  readonly search: string
  readonly show: AuthorizePageVars['show']
  readonly offset: number
}

function viewOf(fields: Readonly<Record<string, string>>): View {
  const show = fields.show === 'waiting' || fields.show === 'approved' ? fields.show : 'all'
  const offset = /^\d{1,9}$/.test(fields.offset ?? '') ? Number(fields.offset) : 0
  return { search: (fields.search ?? '').trim().slice(0, 100), show, offset }
}

function viewUrl(request: PluginRequest, view: View, more: Record<string, string> = {}): string {
  const query = new URLSearchParams({ show: view.show, offset: String(view.offset), ...more })
  if (view.search !== '') query.set('search', view.search)
  return `${request.hubUrl('authorize')}?${query}`
}

function approvedFilter(show: View['show']): { approved?: boolean } {
  return show === 'all' ? {} : { approved: show === 'approved' }
}

const NOTICES: Readonly<Record<string, (name: string) => string>> = {
  approve: name => `${name} may sign in now.`,
  decline: name => `The account ${name} was removed.`,
  withdraw: name => `${name} may no longer sign in.`,
  nothing: name => `Nothing was changed: the account ${name} is not there or not in that state.`,
}

function noticeOf({ did = '', name = '' }: Readonly<Record<string, string>>): string | undefined {
  return Object.hasOwn(NOTICES, did) ? NOTICES[did]!(normalName(name).slice(0, 64)) : undefined
}
