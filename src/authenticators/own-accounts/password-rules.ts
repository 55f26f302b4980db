import type { FormFault, PasswordRules } from './page-vars.ts'

/** Longer ones are refused before they cost a hash. */
export const MAX_PASSWORD_LENGTH = 256

/** What is wrong with a new password, all at once. `confirm` is what was typed the second time. */
export async function passwordFaults(
  { password, confirm, name }: { password: string; confirm: string; name: string },
  rules: PasswordRules,
): Promise<FormFault[]> {
  const faults: FormFault[] = []
  const fault = (code: string, message: string, field = 'password') => faults.push({ field, code, message })
  const length = [...password].length
  if (length < rules.minimumLength) {
    fault('password_too_short', `The password needs at least ${rules.minimumLength} characters.`)
  } else if (length > MAX_PASSWORD_LENGTH) {
    fault('password_too_long', `The password may have at most ${MAX_PASSWORD_LENGTH} characters.`)
  } else if (password.includes('\0')) {
    fault('password_invalid', 'The password has a character that cannot be typed.')
  } else if (name !== '' && password.toLowerCase() === name.toLowerCase()) {
    fault('password_is_name', 'The password must differ from the name.')
  } else if (rules.refusesCommon && (await isCommonPassword(password))) {
    fault('password_too_common', 'This password is one that is tried first by everybody who guesses.')
  }
  if (password !== confirm) fault('passwords_differ', 'The two passwords differ.', 'password_confirm')
  return faults
}

let common: Promise<ReadonlySet<string>> | undefined

/** Is it one of the 49,000 passwords seen most often in published leaks, whatever its case? */
export async function isCommonPassword(password: string): Promise<boolean> {
  // Read at first use: unpacking it takes some tenths of a second, which a start should not.
  common ??= import('@zxcvbn-ts/language-common').then(
    ({ dictionary }) => new Set(dictionary['passwords-common'].map(String)),
  )
  return (await common).has(password.toLowerCase())
}
