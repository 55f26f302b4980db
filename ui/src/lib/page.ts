/** What the server wrote into the page: where the hub is, and who looks at it. */
const { dataset } = document.documentElement
const frame = document.getElementById('admin')?.dataset ?? {}

export const page = {
  /** `/hub/` or `/jupyter/hub/`. */
  hubUrl: dataset.baseUrl ?? '/hub/',
  user: dataset.user ?? '',
  xsrf: dataset.xsrf ?? '',
  site: frame.site ?? 'Orrery',
  namedServers: frame.namedServers === 'true',
  /** Accounts and approval; undefined where accounts are somebody else's. */
  accountsUrl: frame.accountsUrl || undefined,
}
