/** Which server of which user: names as they stand in the database, unescaped. The default server's name is empty. */
export interface ServerKey {
  readonly user: string
  readonly server: string
}

/** `alice/` for the default server, `alice/gpu` for a named one: the form of JupyterHub's `!server=` filters. */
export function serverKeyText(key: ServerKey): string {
  return `${key.user}/${key.server}`
}
