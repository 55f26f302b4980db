/** What can be done to users and their servers, each with what takes it back where something does. */
import { useQueryClient } from '@tanstack/react-query'
import { useMemo } from 'react'
import { ApiError, api, apiStatus, pathOf } from '../../api/client.ts'
import { usersChanged } from '../../api/queries.ts'
import type { Server, User } from '../../api/types.ts'
import { counted, listed } from '../../lib/counted.ts'
import { runMany } from '../../lib/run-many.ts'
import { toast, toastError } from '../parts/toasts.tsx'
import type { ServerOf } from './losses.ts'
import { serverTitle } from './server-phase.ts'

export function serverPath(user: string, server: string): string {
  return server === '' ? pathOf`users/${user}/server` : pathOf`users/${user}/servers/${server}`
}

export const startServer = (user: string, server = '') => api('POST', serverPath(user, server))
export const deleteServer = ({ user, server }: ServerOf) =>
  api('DELETE', serverPath(user, server.name), { remove: true })
export const deleteUser = (name: string) => api('DELETE', pathOf`users/${name}`)
export const setAdmin = (name: string, admin: boolean) => api('PATCH', pathOf`users/${name}`, { admin })
export const renameUser = (name: string, to: string) => api<User>('PATCH', pathOf`users/${name}`, { name: to })
export const revokeToken = (user: string, id: string) => api('DELETE', pathOf`users/${user}/tokens/${id}`)
export const joinGroup = (group: string, users: readonly string[]) =>
  api('POST', pathOf`groups/${group}/users`, { users })
export const leaveGroup = (group: string, users: readonly string[]) =>
  api('DELETE', pathOf`groups/${group}/users`, { users })

/** Rejects also when the hub agreed and the server did not end: whoever asked for it must know. */
export async function stopServer({ user, server }: ServerOf): Promise<void> {
  const path = serverPath(user, server.name)
  if ((await apiStatus('DELETE', path)) === 202) {
    throw new ApiError(202, 'still_stopping', 'It takes long to stop, and goes on by itself.')
  }
  const { reason } = await api<Server>('GET', path)
  if (reason?.code === 'stop_failed')
    throw new ApiError(500, reason.code, reason.message, reason.next_step ?? undefined)
}

export interface Added {
  readonly added: readonly string[]
  readonly existed: readonly string[]
  readonly failed: readonly { readonly item: string; readonly error: Error }[]
}

const AT_ONCE = 500

/** All at once; when the hub refuses some of the names, one by one, so that the others are added. */
export async function addUsers(names: readonly string[], admin: boolean): Promise<Added> {
  const outcome = { added: [] as string[], existed: [] as string[], failed: [] as Added['failed'][number][] }
  for (let at = 0; at < names.length; at += AT_ONCE) {
    const some = names.slice(at, at + AT_ONCE)
    try {
      const made = await post(some)
      outcome.added.push(...made)
      outcome.existed.push(...some.filter(name => !made.includes(name.toLowerCase()) && !made.includes(name)))
    } catch (error) {
      if (!(error instanceof ApiError) || ![400, 409].includes(error.status)) throw error
      const single = await runMany(some, async name => outcome.added.push(...(await post([name]))))
      for (const { item, error } of single.failed) {
        if (error instanceof ApiError && error.status === 409) outcome.existed.push(item)
        else outcome.failed.push({ item, error })
      }
    }
  }
  return outcome

  async function post(usernames: readonly string[]): Promise<string[]> {
    return (await api<User[]>('POST', 'users', { usernames, admin })).map(user => user.name)
  }
}

/** The actions of one press of a button: they say how it went, and read the screen anew. */
export function useActions() {
  const client = useQueryClient()
  return useMemo(() => {
    const changed = () => usersChanged(client)
    const told = async (text: string, action: () => Promise<unknown>, undo?: () => Promise<unknown>) => {
      try {
        await action()
        toast({ kind: 'success', text, ...(undo && { undo: () => undo().finally(changed) }) })
      } catch (error) {
        toastError(error)
      } finally {
        await changed()
      }
    }
    return {
      changed,
      start: (user: string, server = '') => quietly(() => startServer(user, server)),
      stop: (user: string, server: Server) =>
        told(`${serverTitle(user, server)} was stopped.`, () => stopServer({ user, server })),
      setAdmin: (names: readonly string[], admin: boolean) => {
        const undo = () => doEach(names, name => setAdmin(name, !admin))
        const who = listed(names)
        const are = names.length === 1 ? 'is' : 'are'
        const what = names.length === 1 ? 'an administrator' : 'administrators'
        const text = admin ? `${who} ${are} ${what} now.` : `${who} ${are} no longer ${what}.`
        return told(text, () => doEach(names, name => setAdmin(name, admin)), undo)
      },
      join: (group: string, names: readonly string[]) =>
        told(
          `${counted(names.length, 'user')} added to ${group}.`,
          () => joinGroup(group, names),
          () => leaveGroup(group, names),
        ),
      leave: (group: string, names: readonly string[]) =>
        told(
          `${listed(names)} left ${group}.`,
          () => leaveGroup(group, names),
          () => joinGroup(group, names),
        ),
    }
    /** The row itself tells of a start as it goes on. */
    async function quietly(action: () => Promise<unknown>) {
      await action().catch(toastError)
    }
  }, [client])
}

/** Throws the first failure, with how many there were. */
export async function doEach(names: readonly string[], action: (name: string) => Promise<unknown>): Promise<void> {
  const { failed } = await runMany(names, action)
  const [first] = failed
  if (!first) return
  throw failed.length === 1
    ? first.error
    : new Error(`${counted(failed.length, 'change')} failed. ${first.item}: ${first.error.message}`)
}
