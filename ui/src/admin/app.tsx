import { useEffect } from 'react'
import { type LiveState, useLiveServers } from '../api/live.ts'
import { useMay } from '../api/use-may.ts'
import { page } from '../lib/page.ts'
import { TABS, type Tab } from './address.ts'
import { GroupsPage } from './groups/groups-page.tsx'
import { HealthPage } from './health/health-page.tsx'
import { MachinePage } from './machine/machine-page.tsx'
import { CertificateMark } from './parts/certificate-mark.tsx'
import { Toasts } from './parts/toasts.tsx'
import { RolesPage } from './roles-page.tsx'
import { ServersPage } from './servers-page.tsx'
import { ServicesPage } from './services-page.tsx'
import { TokensPage } from './tokens/tokens-page.tsx'
import { linkTo, useAddress } from './use-address.ts'
import { UsersPage } from './users/users-page.tsx'

const titles: Readonly<Record<Tab, string>> = {
  users: 'Users',
  servers: 'Servers',
  groups: 'Groups',
  services: 'Services',
  roles: 'Roles',
  tokens: 'Tokens',
  machine: 'Machine',
  health: 'Health',
}

/** What each tab asks the API for. */
const scopes: Readonly<Record<Tab, string>> = {
  users: 'list:users',
  servers: 'list:users',
  groups: 'list:groups',
  services: 'list:services',
  roles: 'read:roles',
  tokens: 'read:tokens',
  machine: 'read:metrics',
  health: 'read:hub',
}

export function App() {
  const address = useAddress()
  const { may, isKnown } = useMay()
  const maySee = may('read:servers')
  const live = useLiveServers(maySee)
  const { tab } = address
  useEffect(() => {
    document.title = `${titles[tab]} · ${page.site}`
    showTab()
    // A phone is turned.
    window.addEventListener('resize', showTab)
    return () => window.removeEventListener('resize', showTab)
  }, [tab])
  const tabs = TABS.filter(each => each === tab || !isKnown || may(scopes[each]))
  return (
    <>
      <div className="admin-head">
        <h1>{titles[tab]}</h1>
        {maySee && ['users', 'servers'].includes(tab) && <LiveMark state={live} />}
        <CertificateMark visible={may('proxy')} />
        {page.accountsUrl && tab === 'users' && (
          <a className="button button-small" href={page.accountsUrl}>
            Accounts and approval
          </a>
        )}
      </div>
      <nav className="tabs" aria-label="Administration">
        <ul>
          {tabs.map(each => (
            <li key={each}>
              <a {...linkTo({ tab: each, query: {} })} aria-current={each === tab ? 'page' : undefined}>
                {titles[each]}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {tab === 'users' && <UsersPage address={address} />}
      {tab === 'servers' && <ServersPage address={address} />}
      {tab === 'groups' && <GroupsPage address={address} />}
      {tab === 'services' && <ServicesPage />}
      {tab === 'roles' && <RolesPage />}
      {tab === 'tokens' && <TokensPage address={address} />}
      {tab === 'machine' && <MachinePage />}
      {tab === 'health' && <HealthPage />}
      <Toasts />
    </>
  )
}

/** On a phone the tabs scroll; the page itself stays where it is. */
function showTab(): void {
  const tab = document.querySelector('.tabs [aria-current]')
  const bar = tab?.closest('.tabs')
  if (!tab || !bar) return
  const [{ left, right }, around] = [tab.getBoundingClientRect(), bar.getBoundingClientRect()]
  if (right > around.right) bar.scrollLeft += right - around.right
  else if (left < around.left) bar.scrollLeft -= around.left - left
}

function LiveMark({ state }: { state: LiveState }) {
  const words = { live: 'Live', connecting: 'Connecting …', lost: 'Not live: the hub does not answer' }
  return (
    <span className={`live-mark live-${state}`} role="status">
      {words[state]}
    </span>
  )
}
