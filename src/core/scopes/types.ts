/**
 * Scopes as they are held for one request: expanded, parsed once. Keys are scope names (`read:users`), values what the
 * scope reaches: everything, or the named resources of JupyterHub's horizontal filters.
 */
export type ScopeMap = ReadonlyMap<string, ScopeReach>
export type ScopeReach = 'all' | ScopeFilter
export interface ScopeFilter {
  readonly user?: ReadonlySet<string>
  readonly group?: ReadonlySet<string>
  /** `user/server`, with an empty server name for the default one. */
  readonly server?: ReadonlySet<string>
  readonly service?: ReadonlySet<string>
}

/** What a request is about, for holding against a filter. `groups` are those of `user`. */
export interface ScopeTarget {
  readonly user?: string
  readonly groups?: readonly string[]
  readonly group?: string
  /** Together with `user`. */
  readonly server?: string
  readonly service?: string
}
