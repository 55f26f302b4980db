/** A named set of raw scopes that users, groups and services hold. */
export interface RoleDefinition {
  readonly name: string
  readonly description: string
  readonly scopes: readonly string[]
}

/**
 * The roles that always exist. Users hold `user`, and `admin` when their admin flag is set; a token made without
 * scopes gets those of `token`, the token handed to a single-user server those of `server`. Scopes as JupyterHub 6's.
 */
export const defaultRoles: readonly RoleDefinition[] = [
  { name: 'user', description: 'What everybody may do with what is theirs', scopes: ['self'] },
  {
    name: 'admin',
    description: 'Everything',
    scopes: [
      'admin-ui',
      'admin:users',
      'admin:servers',
      'admin:services',
      'tokens',
      'admin:groups',
      'list:services',
      'read:services',
      'read:hub',
      'proxy',
      'shutdown',
      'access:services',
      'access:servers',
      'read:roles',
      'read:metrics',
      'shares',
    ],
  },
  {
    name: 'server',
    description: 'What a single-user server may do',
    scopes: ['users:activity!user', 'access:servers!server'],
  },
  { name: 'token', description: 'Whatever the owner of the token may do', scopes: ['inherit'] },
]
