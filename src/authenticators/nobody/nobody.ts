import type { Authenticator } from '../../plugin/authenticator.ts'

/** Nobody signs in; tokens and sessions that are there go on. What JupyterHub's NullAuthenticator does. */
export function nobody(): Authenticator {
  return {
    name: 'nobody',
    login: { kind: 'form' },
    async authenticate() {
      return {
        refused: 'sign_in_disabled',
        message: 'Nobody can sign in here.',
        status: 403,
        countsAsFailure: false,
      }
    },
  }
}
