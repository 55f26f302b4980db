/** The traits of authenticators: of all, and of those that are known. */
import { usernamePattern } from '../converters.ts'
import type { TraitTable } from '../trait-rule.ts'

const ACCOUNTS = "Make accounts with the system's tools, or use local({ accounts: 'made' })."

export const authenticatorTraits: TraitTable = {
  allowed_users: { to: 'access.allowedUsers', default: [], unsafe: true },
  blocked_users: { to: 'access.blockedUsers', default: [], unsafe: true },
  admin_users: { to: 'access.adminUsers', default: [] },
  allow_all: { composed: '`access.allowAll`', default: false },
  allow_existing_users: { to: 'access.allowExistingUsers', unsafe: true },
  any_allow_config: { ignored: 'it only silences a warning', default: false },
  whitelist: { renamed: 'allowed_users', default: [] },
  username_map: { to: 'access.usernameMap', default: {}, unsafe: true },
  username_pattern: { to: 'access.usernamePattern', convert: usernamePattern, default: '', unsafe: true },
  delete_invalid_users: { to: 'access.deleteInvalidUsers', default: false, instead: 'Delete them with orrery user.' },
  manage_groups: { to: 'access.manageGroups', default: false },
  manage_roles: { to: 'access.manageRoles', default: false, unsafe: true },
  reset_managed_roles_on_startup: { to: 'access.resetManagedRolesOnStartup', default: false, unsafe: true },

  enable_auth_state: { to: 'authState.enabled', default: false },
  auth_refresh_age: { to: 'signIn.refreshAge', default: 300 },
  auth_refresh_strict: { to: 'signIn.refreshStrict', default: false, unsafe: true },
  refresh_pre_spawn: { to: 'signIn.refreshPreSpawn', default: false, unsafe: true },
  refresh_pre_stop: { to: 'signIn.refreshPreStop', default: false },
  auto_login: { to: 'signIn.autoLogin', default: false },
  auto_login_oauth2_authorize: { to: 'signIn.autoLoginOauth2Authorize', default: false },
  request_otp: { to: 'signIn.requestOtp', default: false, unsafe: true },
  otp_prompt: { to: 'signIn.otpPrompt', default: 'OTP:' },

  post_auth_hook: {
    to: 'hooks.postAuth',
    default: null,
    unsafe: true,
    instead: 'It may turn people away: write it in orrery.config.ts, hooks.postAuth.',
  },
  reconcile_auth_state_hook: {
    to: 'hooks.reconcileAuthState',
    default: null,
    instead: 'Write it in orrery.config.ts: hooks.reconcileAuthState.',
  },
}

export const localAuthenticatorTraits: TraitTable = {
  allowed_groups: { to: 'access.allowedGroups', default: [], unsafe: true },
  group_whitelist: { renamed: 'allowed_groups', default: [] },
  create_system_users: { unsupported: ACCOUNTS, default: false },
  add_user_cmd: { ignored: 'Orrery makes no Linux users for PAM' },
  uids: { ignored: 'Orrery makes no Linux users for PAM', default: {} },
}

export const pamTraits: TraitTable = {
  service: { to: 'authenticator.service', default: 'login', unsafe: true },
  check_account: { to: 'authenticator.checkAccount', default: true },
  open_sessions: { to: 'authenticator.openSessions', default: false },
  admin_groups: { to: 'access.adminGroups', default: [] },
  encoding: { unsupported: 'Names and passwords go to PAM as UTF-8.', default: 'utf8' },
  executor_threads: { ignored: 'the launcher checks up to eight passwords at once', default: 4 },
  pam_normalize_username: {
    unsupported: 'Names are taken as they are typed, in lower case: take this line out to accept that.',
    default: false,
    unsafe: true,
  },
}

export const dummyTraits: TraitTable = {
  password: { to: 'authenticator.password', default: '', unsafe: true },
}

export const sharedPasswordTraits: TraitTable = {
  user_password: { to: 'authenticator.userPassword', default: null },
  admin_password: { to: 'authenticator.adminPassword', default: null },
  password_groups: {
    to: 'authenticator.passwordGroups',
    default: {},
    instead: 'One password for all; name the members of groups in groups.',
  },
}

/** jupyterhub-nativeauthenticator 1.3. */
export const nativeTraits: TraitTable = {
  open_signup: { composed: '`ownAccounts({ signUp })`', default: false },
  enable_signup: { composed: '`ownAccounts({ signUp })`', default: true },
  minimum_password_length: { to: 'authenticator.minimumPasswordLength', default: 0 },
  check_common_password: { to: 'authenticator.checkCommonPasswords', default: false },
  ask_email_on_signup: { to: 'authenticator.askEmail', default: false },
  allowed_failed_logins: { to: 'signIn.failures', default: 0 },
  seconds_before_next_try: { to: 'signIn.lock', default: 0 },
  allow_2fa: {
    unsupported: 'Own accounts have no second factor yet: take this line out to accept that.',
    default: false,
    unsafe: true,
  },
  allow_self_approval_for: { unsupported: 'An administrator approves accounts at /hub/authorize.', default: '' },
  self_approval_email: { ignored: 'nobody approves their own account' },
  self_approval_server: { ignored: 'nobody approves their own account', default: {} },
  secret_key: { ignored: 'nobody approves their own account', default: '' },
  recaptcha_key: { unsupported: 'Sign-up has no captcha; its tries are limited.', default: '' },
  recaptcha_secret: { ignored: 'sign-up has no captcha', default: '' },
  tos: { unsupported: 'Show the terms on the login page: pages.announcements.', default: '' },
  import_from_firstuse: { unsupported: 'Import them with JupyterHub first.', default: false },
  firstuse_db_path: { ignored: 'nothing is imported' },
  delete_firstuse_db_after_import: { ignored: 'nothing is imported', default: false },
}
