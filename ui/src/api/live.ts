/** Keeps what is on the screen as the servers are, by the hub's event stream. */
import { type QueryClient, useQueryClient } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { applyToPage, applyToUser } from '../admin/users/apply-event.ts'
import { page } from '../lib/page.ts'
import { keys, usersChanged } from './queries.ts'
import type { Page, ServerEvent, Usage, User } from './types.ts'
import { type UsageById, withLook } from './usage.ts'

export type LiveState = 'connecting' | 'live' | 'lost'

const LONGEST_PAUSE_MS = 30_000

/** While the page can be seen. A stream that comes back reads everything again, for what it has missed. */
export function useLiveServers(maySee: boolean): LiveState {
  const client = useQueryClient()
  const [state, setState] = useState<LiveState>('connecting')
  useEffect(() => {
    if (!maySee) return
    let stream: EventSource | undefined
    let timer: ReturnType<typeof setTimeout> | undefined
    let pauseMs = 1_000

    function open(): void {
      close()
      if (document.hidden) return
      stream = new EventSource(`${page.hubUrl}api/orrery/server-events?_xsrf=${encodeURIComponent(page.xsrf)}`)
      stream.addEventListener('begin', () => {
        pauseMs = 1_000
        setState('live')
        void usersChanged(client)
      })
      stream.onmessage = message => applyEvent(client, JSON.parse(message.data) as ServerEvent)
      stream.addEventListener('usage', message => {
        const look = JSON.parse(message.data) as readonly Usage[]
        client.setQueryData<UsageById>(keys.usage, before => before && withLook(before, look))
      })
      stream.onerror = () => {
        // The browser tries again by itself, except after a refusal.
        setState(before => (before === 'live' ? 'connecting' : 'lost'))
        if (stream?.readyState !== EventSource.CLOSED) return
        timer = setTimeout(open, pauseMs)
        pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
      }
    }

    function close(): void {
      clearTimeout(timer)
      stream?.close()
      stream = undefined
    }

    open()
    document.addEventListener('visibilitychange', open)
    return () => {
      document.removeEventListener('visibilitychange', open)
      close()
    }
  }, [client, maySee])
  return state
}

export function applyEvent(client: QueryClient, event: ServerEvent): void {
  client.setQueriesData<Page<User>>({ queryKey: keys.users }, users => users && applyToPage(users, event))
  client.setQueryData<User>(keys.user(event.user), user => user && applyToUser(user, event))
  client.setQueryData<readonly User[]>(keys.active, users => users && addToActive(users, event))
}

/** A server that begins to run adds its user; one that ended stays until the list is read anew. */
function addToActive(users: readonly User[], event: ServerEvent): readonly User[] {
  if (users.some(user => user.name === event.user)) return users.map(user => applyToUser(user, event))
  if (event.server.stopped) return users
  return [...users, applyToUser({ name: event.user }, event)]
}
