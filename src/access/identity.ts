import type { ScopeMap } from '../core/scopes/types.ts'

/** Who is asking, found once per request. */
export type Identity = UserIdentity | ServiceIdentity

export interface UserIdentity {
  readonly kind: 'user'
  readonly id: number
  readonly name: string
  readonly admin: boolean
  readonly groups: readonly string[]
  readonly proof: Proof
  readonly scopes: ScopeMap
}

export interface ServiceIdentity {
  readonly kind: 'service'
  readonly id: number
  readonly name: string
  readonly admin: boolean
  readonly proof: Proof
  readonly scopes: ScopeMap
}

export type Proof =
  | { readonly by: 'cookie'; readonly sessionId: string | undefined }
  | {
      readonly by: 'token'
      readonly tokenId: number
      /** OAuth client it was issued to; undefined for a token a person made. */
      readonly clientId: string | undefined
      readonly sessionId: string | undefined
    }
