import { sameText } from '../../core/same-text.ts'
import type { Authenticator } from '../../plugin/authenticator.ts'

export interface DummyOptions {
  /** One password for everybody; left out or empty, any will do. */
  readonly password?: string | undefined
  /** Vouch for everybody. Default true; the config sets it to false where `access.allowedUsers` names some. */
  readonly welcomeAll?: boolean
}

/** Lets everybody in under any name, for trials; what JupyterHub's DummyAuthenticator does. */
export function dummy(options: DummyOptions = {}): Authenticator {
  const { password: expected = '', welcomeAll: allowed = true } = options
  return {
    name: 'dummy',
    login: { kind: 'form' },
    async authenticate({ form: { username = '', password = '' } }) {
      const right = username.trim() !== '' && (expected === '' || sameText(password, expected))
      if (right) return { name: username.trim(), allowed }
      return { refused: 'wrong_credentials', message: 'Name or password is wrong.', status: 401 }
    },
  }
}
