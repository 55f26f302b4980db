import type { ServerKey } from './server-key.ts'

/**
 * `{username}` and `{servername}` in paths of a config. A name stays one part of the path: names of servers from before
 * JupyterHub 6 may hold slashes, and nothing in a name is taken for a place to fill in.
 */
export function fillInNames(path: string, { user, server }: ServerKey): string {
  return path.replace(/\{(username|servername)\}/g, (_, which) => asOnePart(which === 'username' ? user : server))
}

function asOnePart(name: string): string {
  return name.replaceAll('/', '%2F').replace(/^\.+$/, dots => '%2E'.repeat(dots.length))
}
