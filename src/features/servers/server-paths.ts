/** An empty name is the default server's, also in the plural. */
export const SERVER_PATHS = {
  DefaultServer: '/hub/api/users/:name/server',
  UnnamedServer: '/hub/api/users/:name/servers/',
  NamedServer: '/hub/api/users/:name/servers/:server',
} as const
