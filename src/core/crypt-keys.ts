import { HubError } from './errors.ts'
import { FERNET_KEY_BYTES } from './fernet.ts'

/** Where JupyterHub looks for them. */
export const CRYPT_KEY_VARIABLE = 'JUPYTERHUB_CRYPT_KEY'

/**
 * The keys of auth state: those of the config, else those of JUPYTERHUB_CRYPT_KEY. The first one encrypts, all decrypt.
 * Texts with `;` hold several. Throws HubError `crypt_key_invalid`, which names no key.
 */
export function readCryptKeys(
  configured: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Uint8Array[] {
  const isConfigured = configured.length > 0
  const source = isConfigured ? 'authState.keys' : CRYPT_KEY_VARIABLE
  const texts = isConfigured ? configured : [env[CRYPT_KEY_VARIABLE] ?? '']
  return texts
    .flatMap(text => text.split(/;|\r?\n/))
    .filter(text => text.trim() !== '')
    .map((text, index) => parseKey(text) ?? throwInvalid(source, index + 1))
}

/** JupyterHub's rules: 44 characters of base64 of either alphabet, 64 hexadecimal digits, or 32 plain characters. */
function parseKey(text: string): Uint8Array | undefined {
  if (/[^\0-\x7f]/.test(text)) return undefined
  const bytes = decodeKey(text)
  return bytes.length === FERNET_KEY_BYTES ? bytes : undefined
}

function decodeKey(text: string): Buffer {
  if (text.length === 44) return Buffer.from(text, 'base64')
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, 'hex')
  return Buffer.from(text, 'latin1')
}

function throwInvalid(source: string, number: number): never {
  throw new HubError('crypt_key_invalid', {
    status: 500,
    message: `Key ${number} of ${source} is none: 64 hexadecimal digits, 32 bytes in base64, or 32 characters.`,
    nextStep: 'Make one with: openssl rand -hex 32',
  })
}
