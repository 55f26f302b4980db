import type { AccountStore, OneTimeLinkStore } from '../../plugin/account-store.ts'
import { DEFAULT_HINT, DEFAULT_PATTERN, type NameRules } from './account-names.ts'
import type { PasswordRules } from './page-vars.ts'
import { type PasswordHasher, passwordHasher, type ScryptCost } from './password-hash.ts'

export interface OwnAccountsOptions {
  readonly accounts: AccountStore
  readonly links: OneTimeLinkStore
  /**
   * `open`: whoever signs up may sign in at once; `approval` (default): once an administrator approved; `closed`:
   * nobody can sign up. A name that the hub knows already waits for approval also when sign-up is open.
   */
  readonly signUp?: 'open' | 'approval' | 'closed'
  /** Characters. Default 8. */
  readonly minimumPasswordLength?: number
  /** Refuse well-known passwords. Default true. */
  readonly checkCommonPasswords?: boolean
  /** Ask for an e-mail address at sign-up. Default false. */
  readonly askEmail?: boolean
  /** Names that sign-up does not give away: `adminUsers` of the config, at least. In lower case. */
  readonly reservedNames?: Iterable<string>
  /** A whole name in lower case, and a sentence that says the same. */
  readonly namePattern?: { readonly pattern: RegExp; readonly hint: string }
  /** Does the config allow this name? Then its account needs no approval, whenever it was made. */
  readonly isNamedInConfig?: (name: string) => boolean
  /** Does the hub know a user of this name already? */
  readonly isKnownUser?: (name: string) => Promise<boolean>
  /** Ends a user's sessions in browsers, after a change of the password or a withdrawn approval. */
  readonly endSessions?: (name: string) => Promise<void>
  /** What a hash costs. Default: see `password-hash.ts`. */
  readonly passwordCost?: ScryptCost
  /** A refused sign-in is answered no sooner than this, so that its time tells nothing. Default 500. */
  readonly refusalFloorMs?: number
  /** Life of a reset link. Default 24 hours. */
  readonly resetLinkMs?: number
}

/** The options with defaults, as the parts of this folder use them. */
export interface OwnAccountsSetup
  extends Required<
    Omit<
      OwnAccountsOptions,
      'reservedNames' | 'namePattern' | 'minimumPasswordLength' | 'checkCommonPasswords' | 'passwordCost'
    >
  > {
  readonly nameRules: NameRules
  readonly passwordRules: PasswordRules
  readonly hasher: PasswordHasher
}

export function withDefaults(options: OwnAccountsOptions): OwnAccountsSetup {
  const { pattern, hint } = options.namePattern ?? { pattern: DEFAULT_PATTERN, hint: DEFAULT_HINT }
  return {
    accounts: options.accounts,
    links: options.links,
    signUp: options.signUp ?? 'approval',
    askEmail: options.askEmail ?? false,
    isNamedInConfig: options.isNamedInConfig ?? (() => false),
    isKnownUser: options.isKnownUser ?? (async () => false),
    endSessions: options.endSessions ?? (async () => {}),
    refusalFloorMs: options.refusalFloorMs ?? 500,
    resetLinkMs: options.resetLinkMs ?? 24 * 3600_000,
    nameRules: { pattern, hint, reserved: new Set(options.reservedNames ?? []) },
    passwordRules: {
      minimumLength: options.minimumPasswordLength ?? 8,
      refusesCommon: options.checkCommonPasswords ?? true,
    },
    hasher: passwordHasher(options.passwordCost),
  }
}
