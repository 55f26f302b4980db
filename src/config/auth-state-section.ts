import { z } from 'zod'
import { option, section } from './option.ts'
import { secretText } from './values.ts'

/** JupyterHub's `enable_auth_state` and `CryptKeeper.keys`. What a key is like is checked when the hub reads them. */
export const authStateSection = section({
  enabled: option(
    z.boolean().default(false),
    'Keep, encrypted, what the authenticator knows of a user, such as tokens of the provider.',
    true,
  ),
  keys: option(
    z
      .union([secretText, z.array(secretText)])
      .transform(keys => [keys].flat())
      .default([]),
    'Keys of 32 bytes as 64 hexadecimal digits or base64: the first one encrypts, all decrypt; `;` stands between several in one text.',
    [{ file: '/etc/orrery/auth-state-key' }],
    { secret: true, computed: 'those of the variable JUPYTERHUB_CRYPT_KEY' },
  ),
})
