/**
 * Every scope of JupyterHub 6, what it includes and how it is told to people. `subscopes` are direct ones; the
 * expansion follows them downward. Custom scopes of a site are added with `withCustomScopes`.
 */
export interface ScopeDefinition {
  readonly description: string
  readonly subscopes?: readonly string[]
}
export type ScopeDefinitions = Readonly<Record<string, ScopeDefinition>>

export const scopeDefinitions: ScopeDefinitions = {
  '(no_scope)': { description: 'Learn who you are, and nothing else.' },
  self: { description: 'Everything that is yours' },
  inherit: { description: 'Everything you may do yourself' },
  'admin-ui': { description: 'Open the administration page; what can be done there needs scopes of its own.' },
  'admin:users': {
    description:
      'Create, read, change and delete users and what their sign-in left behind, but not their servers or tokens. Whoever has this can become anybody.',
    subscopes: ['admin:auth_state', 'users', 'read:roles:users', 'delete:users'],
  },
  'admin:auth_state': { description: 'Read what the sign-in of a user left behind.' },
  users: {
    description: 'Read and change users, except their servers, tokens and sign-in state.',
    subscopes: ['read:users', 'list:users', 'users:activity'],
  },
  'delete:users': { description: 'Delete users.' },
  'list:users': { description: 'List users by name.', subscopes: ['read:users:name'] },
  'read:users': {
    description: 'Read users, and where their default server is when it runs.',
    subscopes: ['read:users:name', 'read:users:groups', 'read:users:activity'],
  },
  'read:users:name': { description: 'Read the names of users.' },
  'read:users:groups': { description: 'Read which groups users belong to.' },
  'read:users:activity': { description: 'Read when users were last active.' },
  'read:roles': {
    description: 'Read who holds which role.',
    subscopes: ['read:roles:users', 'read:roles:services', 'read:roles:groups'],
  },
  'read:roles:users': { description: 'Read the roles of users.' },
  'read:roles:services': { description: 'Read the roles of services.' },
  'read:roles:groups': { description: 'Read the roles of groups.' },
  'users:activity': {
    description: 'Report when users were last active.',
    subscopes: ['read:users:activity'],
  },
  'admin:servers': {
    description: 'Create, read, start, stop and delete servers of users, with their stored state.',
    subscopes: ['admin:server_state', 'servers'],
  },
  'admin:server_state': { description: 'Read and change the stored state of servers.' },
  servers: {
    description: 'Start and stop servers of users.',
    subscopes: ['read:servers', 'start:servers', 'delete:servers'],
  },
  'read:servers': {
    description: 'Read the names of users and their servers, without stored state.',
    subscopes: ['read:users:name'],
  },
  'start:servers': { description: 'Start servers of users and change their settings.' },
  'delete:servers': { description: 'Stop and delete servers of users.' },
  tokens: { description: 'Create, read, change and delete tokens of users.', subscopes: ['read:tokens'] },
  'read:tokens': { description: 'Read the tokens of users; never their secret.' },
  'admin:groups': {
    description: 'Create, read, change and delete groups.',
    subscopes: ['groups', 'read:roles:groups', 'delete:groups'],
  },
  groups: {
    description: 'Read and change groups and their members. Membership can bring permissions.',
    subscopes: ['read:groups', 'list:groups'],
  },
  'list:groups': { description: 'List groups by name.', subscopes: ['read:groups:name'] },
  'read:groups': { description: 'Read groups.', subscopes: ['read:groups:name'] },
  'read:groups:name': { description: 'Read the names of groups.' },
  'delete:groups': { description: 'Delete groups.' },
  'admin:services': {
    description: 'Create, read, change and delete services, except those of the configuration.',
    subscopes: ['list:services', 'read:services', 'read:roles:services'],
  },
  'list:services': { description: 'List services by name.', subscopes: ['read:services:name'] },
  'read:services': { description: 'Read services.', subscopes: ['read:services:name'] },
  'read:services:name': { description: 'Read the names of services.' },
  'read:hub': { description: 'Read how this hub is set up.' },
  'access:servers': { description: 'Open servers of users, in a browser or through their API.' },
  'access:services': { description: 'Open services, in a browser or through their API.' },
  'users:shares': {
    description: 'Read and withdraw what was shared with a user.',
    subscopes: ['read:users:shares'],
  },
  'read:users:shares': { description: 'Read what was shared with a user.' },
  'groups:shares': {
    description: 'Read and withdraw what was shared with a group.',
    subscopes: ['read:groups:shares'],
  },
  'read:groups:shares': { description: 'Read what was shared with a group.' },
  'read:shares': { description: 'Read with whom servers are shared.' },
  shares: {
    description: 'Decide with whom servers are shared.',
    subscopes: ['access:servers', 'read:shares', 'users:shares', 'groups:shares'],
  },
  proxy: { description: "Read the proxy's routes, have them set right, and name a new proxy." },
  shutdown: { description: 'Shut the hub down.' },
  'read:metrics': { description: 'Read the metrics.' },
}
