import type { Server, User } from '../../api/types.ts'

export type Phase = 'ready' | 'spawning' | 'stopping' | 'failed' | 'stopped'

/** Undefined: a server that never was. */
export function phaseOf(server: Server | undefined): Phase {
  if (server?.pending === 'spawn') return 'spawning'
  if (server?.pending === 'stop') return 'stopping'
  if (server?.ready) return 'ready'
  return server?.reason?.failed ? 'failed' : 'stopped'
}

export function isActive(server: Server | undefined): boolean {
  return ['ready', 'spawning', 'stopping'].includes(phaseOf(server))
}

/** The default server first, even when it never ran, then the others by name. */
export function serversOf(user: User): { name: string; server: Server | undefined }[] {
  const { '': main, ...named } = user.servers ?? {}
  const names = Object.keys(named).sort((a, b) => a.localeCompare(b))
  return [{ name: '', server: main }, ...names.map(name => ({ name, server: named[name] }))]
}

/** `ada`, `ada: gpu`. */
export function serverTitle(user: string, server: { name: string; display_name?: string }): string {
  return server.name === '' ? user : `${user}: ${server.display_name || server.name}`
}
