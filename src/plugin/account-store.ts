/** One of Orrery's own accounts. The password is a PHC-like hash text, never the password. */
export interface Account {
  readonly name: string
  readonly passwordHash: string
  readonly approved: boolean
  readonly email: string | undefined
  /** Unknown for a legacy row. */
  readonly created: Date | undefined
  /** Set by an administrator's reset: the next login must choose a new password. */
  readonly mustChange: boolean
  /** A row of NativeAuthenticator's `users_info`, not yet upgraded. */
  readonly legacy: boolean
}

/** Where own accounts live. One implementation on the hub's database, in `features/accounts`. */
export interface AccountStore {
  /** Looks in `orrery_accounts`, then in NativeAuthenticator's `users_info` where that table exists. */
  find(name: string): Promise<Account | undefined>
  /** Returns false when the name is taken; never overwrites. */
  add(account: {
    name: string
    passwordHash: string
    approved: boolean
    email?: string
    mustChange?: boolean
  }): Promise<boolean>
  setPassword(name: string, passwordHash: string, options?: { mustChange?: boolean }): Promise<boolean>
  approve(name: string, by: string): Promise<boolean>
  withdrawApproval(name: string, by: string): Promise<boolean>
  remove(name: string): Promise<boolean>
  list(page: {
    offset: number
    limit: number
    search?: string
    approved?: boolean
  }): Promise<{ accounts: Account[]; total: number }>
}

/** Links that work once: the first administrator's, and password resets. Stored hashed. */
export interface OneTimeLinkStore {
  /** Returns the secret part of the link. */
  create(link: { purpose: 'first-admin' | 'reset-password'; name?: string; expiresAt: Date }): Promise<string>
  /** Looks without using it up. */
  peek(secret: string): Promise<{ purpose: 'first-admin' | 'reset-password'; name: string | undefined } | undefined>
  /** Uses it up; undefined when unknown, expired or used, even for two requests at once. */
  consume(secret: string): Promise<{ purpose: 'first-admin' | 'reset-password'; name: string | undefined } | undefined>
}
