/**
 * What the pages of own accounts are given (`vars` of a PluginResponse). Templates: `signup.html`, `authorize.html`,
 * `change-password.html`, `first-admin.html`. URLs are ready for `href` and `action`; every form posts to `action` and
 * adds the `_xsrf` field that the renderer gives all templates. Fields named here are the names of the form's inputs.
 */

/** One thing that is wrong with a form that was sent. The page shows it beside the field, or on top without one. */
export interface FormFault {
  /** Name of the input; undefined: concerns the whole form. */
  readonly field: string | undefined
  /** Stable code: `name_taken`, `password_too_short` ... (see `faults.ts`). */
  readonly code: string
  /** One sentence. */
  readonly message: string
}

/** What a new password has to satisfy, for a hint below the field. */
export interface PasswordRules {
  readonly minimumLength: number
  /** Passwords from a list of well-known ones are refused. */
  readonly refusesCommon: boolean
}

/** `signup.html`. Inputs: `username`, `email` (when `asksEmail`), `password`, `password_confirm`. */
export interface SignUpPageVars {
  /** `form`: fill in; `closed`: nobody may sign up here; `waiting`: stored, an administrator has to approve; `ready`: can sign in now. */
  readonly state: 'form' | 'closed' | 'waiting' | 'ready'
  /** Will an administrator have to approve? */
  readonly needsApproval: boolean
  readonly asksEmail: boolean
  /** What was typed before, without passwords; empty strings at first. */
  readonly username: string
  readonly email: string
  readonly faults: readonly FormFault[]
  readonly passwordRules: PasswordRules
  /** One sentence on allowed names. */
  readonly usernameHint: string
  readonly action: string
  readonly loginUrl: string
}

/** `first-admin.html`. Inputs: `link` (hidden, its value is `link`), `username`, `password`, `password_confirm`. */
export interface FirstAdminPageVars {
  /** `form`: fill in; `invalid`: the link is unknown, used or expired. */
  readonly state: 'form' | 'invalid'
  readonly link: string
  readonly username: string
  readonly faults: readonly FormFault[]
  readonly passwordRules: PasswordRules
  readonly usernameHint: string
  readonly action: string
  readonly loginUrl: string
}

/**
 * `change-password.html`, for three occasions:
 * `self`  one's own, signed in. Inputs: `old_password`, `password`, `password_confirm`.
 * `link`  by a reset link, not signed in. Inputs: `link` (hidden), `password`, `password_confirm`.
 * `admin` an administrator resets somebody's. One input: `how` = `link` or `temporary` (two submit buttons).
 */
export interface ChangePasswordPageVars {
  readonly occasion: 'self' | 'link' | 'admin'
  /**
   * `form`: fill in; `done`: changed (or, for `admin`, see `resetLink` and `temporaryPassword`); `invalid`: the link is
   * unknown, used or expired; `none`: this user has no password here (signs in otherwise).
   */
  readonly state: 'form' | 'done' | 'invalid' | 'none'
  /** Whose password. Undefined for an invalid link. */
  readonly name: string | undefined
  /** Hidden field of `link`, else empty. */
  readonly link: string
  readonly faults: readonly FormFault[]
  readonly passwordRules: PasswordRules
  readonly action: string
  readonly loginUrl: string
  /** `admin` and `done`, how = link: path of the link to hand over (below the public address), shown once. */
  readonly resetLink: string | undefined
  /** `admin` and `done`, how = temporary: to hand over, shown once; has to be changed at the next sign-in. */
  readonly temporaryPassword: string | undefined
  /** When the reset link ends. */
  readonly expiresAt: Date | undefined
}

/**
 * `authorize.html`, for administrators: accounts, those that wait first. Each row is a form that posts `name` and
 * `do` = `approve`, `decline` (removes a waiting account) or `withdraw` (takes back an approval), and the fields
 * `search`, `show`, `offset` unchanged so that the same list comes back.
 */
export interface AuthorizePageVars {
  readonly accounts: readonly AuthorizeRow[]
  readonly total: number
  /** How many wait for approval, whatever the filter. */
  readonly waiting: number
  readonly offset: number
  readonly limit: number
  readonly search: string
  readonly show: 'all' | 'waiting' | 'approved'
  /** URLs of this list with the same filter; undefined at its ends. */
  readonly previousUrl: string | undefined
  readonly nextUrl: string | undefined
  readonly action: string
  /** What the last click did, one sentence. */
  readonly notice: string | undefined
  readonly faults: readonly FormFault[]
}

export interface AuthorizeRow {
  readonly name: string
  readonly email: string | undefined
  readonly approved: boolean
  /** Unknown for a legacy row. */
  readonly created: Date | undefined
  readonly mustChange: boolean
  /** A row taken over from NativeAuthenticator. */
  readonly legacy: boolean
  /** Oneself: no buttons. */
  readonly isSelf: boolean
  /** `/hub/change-password/NAME`. */
  readonly changePasswordUrl: string
}
