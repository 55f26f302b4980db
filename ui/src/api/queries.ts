/** What the pages read, by react-query's keys. */
import { keepPreviousData, type QueryClient, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { type TokensQuery, tokensPath } from '../admin/tokens/tokens-query.ts'
import { type UsersQuery, usersPath } from '../admin/users/users-query.ts'
import { api, pathOf } from './client.ts'
import type {
  Group,
  HealthReport,
  KeptProxy,
  Machine,
  Me,
  OwnedToken,
  Page,
  Role,
  Service,
  Token,
  Usage,
  User,
} from './types.ts'
import { POINTS_SHOWN, usageById } from './usage.ts'

const LIMIT = 200
/** The lists that grow with a site are cut here; the page says so. */
export const MOST = 5_000

export const keys = {
  users: ['users'],
  user: (name: string) => ['user', name],
  active: ['active-users'],
  usage: ['usage'],
  tokens: (name: string) => ['tokens', name],
  groups: ['groups'],
  allTokens: ['all-tokens'],
} as const

export function useMe() {
  return useQuery({ queryKey: ['me'], queryFn: () => api<Me>('GET', 'user'), staleTime: Number.POSITIVE_INFINITY })
}

/** One page; the one before stays on the screen until it is there. */
export function useUsers(query: UsersQuery, options: { refetchMs: number | false }) {
  return useQuery({
    queryKey: [...keys.users, query],
    queryFn: ({ signal }) => api<Page<User>>('GET', usersPath(query), undefined, { signal }),
    placeholderData: keepPreviousData,
    refetchInterval: options.refetchMs,
  })
}

export function useUser(name: string) {
  return useQuery({ queryKey: keys.user(name), queryFn: () => fetchUser(name) })
}

export function fetchUser(name: string): Promise<User> {
  return api<User>('GET', `${pathOf`users/${name}`}?include_stopped_servers=1`)
}

/** Everybody with a server that runs, starts or stops. */
export function useActiveUsers() {
  return useQuery({
    queryKey: keys.active,
    queryFn: ({ signal }) => fetchAll<User>('users?state=active&sort=name', signal),
    refetchInterval: 60_000,
  })
}

/** What running servers use, by `user/server`; the event stream keeps it current. */
export function useUsage() {
  return useQuery({
    queryKey: keys.usage,
    queryFn: async ({ signal }) => usageById(await fetchAll<Usage>(`orrery/usage?points=${POINTS_SHOWN}`, signal)),
  })
}

/** What the last run of the checks has found; null before the first. */
export function useHealth() {
  return useQuery({ queryKey: ['health'], queryFn: () => api<HealthReport | null>('GET', 'orrery/doctor') })
}

/** Runs the checks; whoever asks meanwhile follows the same run. */
export function useExamine() {
  const client = useQueryClient()
  return useMutation({
    mutationFn: () => api<HealthReport>('POST', 'orrery/doctor'),
    onSuccess: report => client.setQueryData(['health'], report),
  })
}

/** The machine with so many points of the last day; asked again while the page can be seen. */
export function useMachine(points: number, refetchMs: number) {
  return useQuery({
    queryKey: ['machine', points],
    queryFn: () => api<Machine>('GET', `orrery/machine?points=${points}`),
    refetchInterval: refetchMs,
  })
}

export function useGroups() {
  return useQuery({
    queryKey: keys.groups,
    queryFn: ({ signal }) => fetchAll<Group>('groups?users=count', signal),
  })
}

export function useServices() {
  return useQuery({
    queryKey: ['services'],
    queryFn: async () => Object.values(await api<Record<string, Service>>('GET', 'services')),
  })
}

export function useRoles() {
  return useQuery({ queryKey: ['roles'], queryFn: () => api<readonly Role[]>('GET', 'orrery/roles') })
}

export function useProxies(enabled: boolean) {
  return useQuery({ queryKey: ['proxies'], queryFn: () => api<readonly KeptProxy[]>('GET', 'proxies'), enabled })
}

export function useTokens(user: string) {
  return useQuery({
    queryKey: keys.tokens(user),
    queryFn: async () => (await api<{ api_tokens: readonly Token[] }>('GET', pathOf`users/${user}/tokens`)).api_tokens,
  })
}

export function useAllTokens(query: TokensQuery) {
  return useQuery({
    queryKey: [...keys.allTokens, query],
    queryFn: ({ signal }) => api<Page<OwnedToken>>('GET', tokensPath(query), undefined, { signal }),
    placeholderData: keepPreviousData,
  })
}

/** All pages of a list, one after the other, up to `MOST` entries. */
export async function fetchAll<T>(path: string, signal?: AbortSignal): Promise<readonly T[]> {
  const items: T[] = []
  for (;;) {
    const separator = path.includes('?') ? '&' : '?'
    const page = await api<Page<T>>(
      'GET',
      `${path}${separator}offset=${items.length}&limit=${LIMIT}`,
      undefined,
      signal ? { signal } : {},
    )
    items.push(...page.items)
    if (page.items.length === 0 || items.length >= Math.min(page._pagination.total, MOST)) return items
  }
}

/** After a change of users: whatever shows some of them asks again. */
export async function usersChanged(client: QueryClient): Promise<void> {
  await Promise.all(
    [keys.users, ['user'], keys.active, keys.usage, keys.groups, ['tokens'], keys.allTokens].map(queryKey =>
      client.invalidateQueries({ queryKey }),
    ),
  )
}
