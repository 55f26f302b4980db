/** What the parts of paths are, in the words of the document. */
export interface PathPart {
  readonly description: string
  readonly example?: string
}

export const USER: PathPart = { description: 'Name of the user.', example: 'ada' }
export const GROUP: PathPart = { description: 'Name of the group.', example: 'physics' }
export const SERVICE: PathPart = { description: 'Name of the service.', example: 'catalogue' }
export const TOKEN: PathPart = { description: 'Id of the token.', example: 'a17' }

/** Those that mean the same wherever they stand. */
export const PATH_PARTS: Readonly<Record<string, PathPart>> = {
  server: { description: 'Name of the server, as its owner gave it.', example: 'gpu' },
  owner: { description: 'Name of the user whose server it is.', example: 'ada' },
}
