/** Puts what the event stream tells into what is on the screen; rows that are not there stay away. */
import type { Page, ServerEvent, User } from '../../api/types.ts'

export function applyToUser(user: User, event: ServerEvent): User {
  if (user.name !== event.user) return user
  const server = { ...event.server, progress: event.progress }
  return {
    ...user,
    servers: { ...user.servers, [server.name]: server },
    last_activity: latest(user.last_activity, server.last_activity),
  }
}

/** The same object when nothing in it changed, so that nothing is drawn anew. */
export function applyToPage(page: Page<User>, event: ServerEvent): Page<User> {
  if (!page.items.some(user => user.name === event.user)) return page
  return { ...page, items: page.items.map(user => applyToUser(user, event)) }
}

function latest(one: string | null | undefined, other: string | null): string | null {
  if (!one || !other) return one || other
  return Date.parse(one) >= Date.parse(other) ? one : other
}
