/** Error codes of RFC 6749 that the hub answers with. */
export type OauthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'invalid_scope'
  | 'unsupported_grant_type'
  | 'unsupported_response_type'

/** A request that cannot be granted, told to the client: in the redirect, or as JSON of the token endpoint. */
export class OauthError extends Error {
  override readonly name = 'OauthError'
  readonly error: OauthErrorCode
  readonly status: number
  /** For 401: the scheme that the client tried. */
  readonly scheme: 'Bearer' | 'Basic'

  constructor(error: OauthErrorCode, description = '', options: { status?: number; scheme?: 'Bearer' | 'Basic' } = {}) {
    super(description)
    this.error = error
    this.status = options.status ?? 400
    this.scheme = options.scheme ?? 'Bearer'
  }

  /** `error` and, where there is one, `error_description`. */
  get fields(): Record<string, string> {
    return this.message ? { error: this.error, error_description: this.message } : { error: this.error }
  }
}

/** Adds fields to the query of an address, which may be a path. */
export function addToQuery(uri: string, fields: Readonly<Record<string, string>>): string {
  const [withoutHash = '', ...hash] = uri.split('#')
  const separator = withoutHash.includes('?') ? '&' : '?'
  return `${withoutHash}${separator}${new URLSearchParams(fields)}${hash.length > 0 ? `#${hash.join('#')}` : ''}`
}
