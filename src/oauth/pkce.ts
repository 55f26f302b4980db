import { createHash } from 'node:crypto'
import { sameText } from '../access/token-format.ts'
import { OauthError } from './oauth-error.ts'

/** RFC 7636: proof that whoever redeems a code is who asked for it. */
export interface PkceChallenge {
  readonly challenge: string
  readonly method: 'S256' | 'plain'
}

const MAX_CHALLENGE_LENGTH = 255

/** The challenge of an authorization request; undefined when there is none and none is required. Throws OauthError. */
export function readChallenge(
  challenge: string | undefined,
  method: string | undefined,
  required: boolean,
): PkceChallenge | undefined {
  if (challenge === undefined) {
    if (required) throw new OauthError('invalid_request', 'Code challenge required.')
    return undefined
  }
  if (challenge === '' || challenge.length > MAX_CHALLENGE_LENGTH)
    throw new OauthError('invalid_request', 'Code challenge invalid.')
  const known = method ?? 'plain'
  if (known !== 'S256' && known !== 'plain')
    throw new OauthError('invalid_request', 'Transform algorithm not supported.')
  return { challenge, method: known }
}

/** Throws OauthError unless the verifier fits the challenge that the code was made with. */
export function verifyPkce(
  code: { code_challenge: string | null; code_challenge_method: string | null },
  verifier: string | undefined,
  required: boolean,
): void {
  if (code.code_challenge === null) {
    if (!required) return
    throw verifier === undefined ? verifierMissing() : new OauthError('invalid_grant', 'Challenge not found')
  }
  if (verifier === undefined) throw verifierMissing()
  const answer =
    code.code_challenge_method === 'S256' ? createHash('sha256').update(verifier).digest('base64url') : verifier
  if (!sameText(answer, code.code_challenge)) throw new OauthError('invalid_grant')
}

function verifierMissing(): OauthError {
  return new OauthError('invalid_request', 'Code verifier required.')
}
