/** Parts of the API, in the order in which the document shows them. */
export const API_TAGS = {
  hub: 'The hub itself, and who is asking.',
  users: 'People with an account.',
  servers: 'Start, stop and watch the servers of users. Without a name it is the default server.',
  tokens: 'Tokens of users, for programs that act in their name.',
  groups: 'Groups of users.',
  roles: 'What users, groups and services may do.',
  services: 'Programs that work beside the hub.',
  shares: 'Let others use a server.',
  'share codes': 'Links that let whoever has one use a server.',
  proxy: 'Where the proxy forwards requests.',
  oauth: 'How services and servers sign people in (RFC 6749).',
  'old clients': 'How services asked who somebody is before JupyterHub 2.',
} as const satisfies Record<string, string>

export type ApiTag = keyof typeof API_TAGS
