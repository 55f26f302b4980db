/** What to do about codes whose own words name no next step; the rest of errors.md comes from the sources. */
export interface Advice {
  /** For messages that are put together while the program runs. */
  readonly meaning?: string
  /** HTTP status, where the source gives it in another place. */
  readonly status?: number
  readonly todo: string
}

const CORRECT = 'Correct the request; the message names what is wrong.'
const CHOOSE = 'Choose another one; the form says what is wanted.'
const LOOK = 'Look for the name as it is written; the list of the REST API or `orrery user list` shows what there is.'
const SPAWNING = 'Nothing is wrong; start the server again when it is wanted.'
const BUG =
  'This is a fault of Orrery or of a plug-in. The log has the stack beside the reference that the answer names.'

export const errorAdvice: Readonly<Record<string, Advice>> = {
  // What a request gets.
  forbidden: { todo: 'Ask an administrator for the role that permits it.' },
  not_found: {
    todo: 'Check the address. The answer is the same for what does not exist and for what one may not know of.',
  },
  method_not_allowed: { todo: 'Use one of the methods that the header `Allow` of the answer names.' },
  scope_missing: { todo: 'Use a token or an account whose roles have one of the named scopes.' },
  scope_unknown: { todo: 'Correct the name of the scope, or define it as a custom scope.' },
  scope_not_held: { todo: 'Ask for less: a token can hold only what its owner may.' },
  scope_filter_unusable: { todo: 'Use a token whose scope is not narrowed to single users or servers.' },
  scopes_and_roles: { todo: 'Give `scopes` or `roles`, not both.' },
  token_owner_missing: { todo: 'Make the user or the service first.' },
  token_invalid: { todo: 'Leave the token out and have one made, or give a longer one.' },
  token_taken: { todo: 'Leave the token out and have one made.' },
  token_lifetime_invalid: { todo: 'Ask for a shorter life; `tokens.maxExpiresIn` sets the longest.' },
  token_not_permitted: { todo: 'Use a token or an account with the scope `tokens` for that user.' },
  no_such_token: { todo: 'List the tokens of the user; it may have been revoked or have run out.' },
  share_scope_filter: { todo: 'Leave the filter out; what is shared is always about the one server.' },
  share_not_permitted: { todo: 'Nobody can share what they may not do or name themselves; ask for less.' },
  no_such_share: { todo: 'List what is shared; it may have been taken back.' },
  no_such_share_code: { todo: 'List the codes of the server; it may have been revoked or have run out.' },
  no_such_group: { todo: LOOK },
  no_such_server: { todo: LOOK },
  no_such_service: { todo: LOOK },
  service_exists: { todo: 'Choose another name, or delete the service first.' },
  service_invalid: { todo: CORRECT },
  service_managed: {
    todo: 'Put services with a command into the config, or start the program elsewhere and leave the command out.',
  },
  no_such_role: { todo: 'Use one of the roles that the hub has: admin, user, server, token and those of the site.' },
  xsrf_missing: {
    todo: 'Send the value of the cookie `_xsrf` as field or header, or use a token instead of a cookie.',
  },
  oauth_access_denied: {
    todo: 'Ask the owner of the server to share it, or an administrator for the scope `access:servers`.',
  },
  oauth_request_invalid: { meaning: 'The address of a login by OAuth lacks a part or has a wrong one.', todo: '' },
  lease_lost: { todo: 'Look at the state again and repeat; another hub process has gone on with the work.' },
  invalid_body: { todo: CORRECT },
  invalid_query: { todo: CORRECT },
  invalid_page: { todo: CORRECT },
  invalid_json: { todo: CORRECT },
  invalid_form: { todo: CORRECT },
  repeated_field: { todo: 'Send each field of the form once.' },
  no_body: { todo: CORRECT },
  no_user_names: { todo: CORRECT },
  no_group_names: { todo: CORRECT },
  invalid_timestamp: { todo: 'Send the time as ISO 8601, such as 2026-01-31T12:00:00Z.' },
  activity_in_future: { todo: 'Set the clock of the machine that reports activity.' },
  invalid_group_name: { todo: 'Use 1 to 255 characters without control characters, not dots alone.' },
  group_exists: { todo: 'Nothing, if it is the group that is wanted; else choose another name.' },
  user_exists: { todo: 'Nothing, if it is the user that is wanted; else choose another name.' },
  user_not_created: { todo: 'The message tells why; with PAM the Linux user must exist first.' },
  deleting_oneself: { todo: 'Let another administrator do it.' },
  admins_only: { todo: 'Let an administrator do it.' },
  auth_state_disabled: { todo: 'Leave `auth_state` out.' },
  invalid_expiry: { todo: 'Choose one of the times of the list.' },
  bad_request: { status: 400, todo: CORRECT },
  bad_url: { status: 400, todo: 'Write what is not ASCII as percent-encoded UTF-8.' },
  url_too_long: { status: 414, todo: CORRECT },
  body_too_large: { status: 413, todo: 'Send less than 1 MB at a time.' },
  bad_content_length: { status: 400, todo: CORRECT },
  unsupported_media_type: { status: 415, todo: 'Send JSON or a form, and say so in `Content-Type`.' },

  // Signing in.
  managed_role_invalid: { todo: 'Correct what the authenticator tells of roles; the message names the role.' },
  groups_not_told: { todo: 'Take `access.manageGroups` away, or use an authenticator that tells groups.' },
  wrong_credentials: {
    todo: 'Type both again. An administrator can set a new password: `orrery user passwd NAME`, or `passwd` with PAM.',
  },
  not_allowed: {
    meaning: 'You are known as NAME, but may not enter: WHY.',
    todo: 'An administrator can add the name or a group to `access` in the config; see [who may sign in](../how-to/solve-problems.md#who-may-sign-in).',
  },
  user_blocked: { todo: 'The name stands in `access.blockedUsers` of the config.' },
  too_many_failures: { todo: 'Wait as long as it says. `signIn` in the config has the numbers.' },
  too_many_tries: { todo: 'Wait as long as it says.' },
  sign_in_unavailable: { todo: 'The authenticator failed; the log of the hub tells how.' },
  no_login_form: { todo: 'Open the login page and use the way it offers.' },
  waiting_for_approval: { todo: 'An administrator approves it at `/hub/authorize`.' },
  password_change_due: { todo: 'Choose a new password on the page that follows.' },
  password_must_change: { todo: 'Log in to the machine with ssh and choose a new password there.' },
  account_expired: { todo: 'As root: `chage -l NAME` shows the dates, `chage -E -1 NAME` takes the end away.' },
  account_locked: { todo: 'Wait; with pam_faillock an administrator can look and reset: `faillock --user NAME`.' },
  account_refused: {
    todo: 'The journal of the launcher has the code of PAM; `/etc/security/access.conf` and nologin are common reasons.',
  },
  pam_unavailable: {
    todo: 'Is Orrery started as root, and does the file of the service exist in `/etc/pam.d`? The log of the launcher tells.',
  },
  shared_password_invalid: {
    meaning: 'A shared password is too short, is used twice, or is missing.',
    todo: 'Correct the passwords in the config; the message lists all faults.',
  },
  sign_in_disabled: { todo: 'Use a token; this hub has the authenticator `nobody()`.' },
  name_missing: { todo: CHOOSE },
  name_invalid: { todo: CHOOSE },
  name_reserved: { todo: 'An administrator can make the account: `orrery user add NAME`.' },
  name_taken: { todo: CHOOSE },
  email_invalid: { todo: CHOOSE },
  wrong_password: { todo: 'Type it again, or let an administrator make a link to choose a new one.' },
  password_too_short: { todo: CHOOSE },
  password_too_long: { todo: CHOOSE },
  password_invalid: { todo: CHOOSE },
  password_is_name: { todo: CHOOSE },
  password_too_common: { todo: CHOOSE },
  passwords_differ: { todo: 'Type both again.' },
  too_many_waiting: { todo: 'An administrator looks through those that wait at `/hub/authorize`.' },

  // Servers.
  server_exists: { todo: 'Choose another name, or use the one there is.' },
  server_running: { todo: 'Nothing, if it should run; else stop it first.' },
  server_active: { todo: 'Stop the server first.' },
  server_not_starting: { todo: 'Ask for the progress after the start was asked for.' },
  server_stopping: { todo: 'Wait some seconds and repeat.' },
  default_server: { todo: 'Stop it instead; only named servers are deleted.' },
  named_servers_disabled: { todo: 'An administrator can set `servers.allowNamedServers`.' },
  invalid_options: { todo: CORRECT },
  spawn_failed: { todo: 'The log of the server and the log of the hub tell more.' },
  hub_closing: { todo: 'Try again in a few seconds.' },
  stopped: { todo: SPAWNING },
  stopped_by_user: { todo: SPAWNING },
  stopped_by_administrator: { todo: SPAWNING },
  removed: { todo: 'Make it again if it is wanted.' },
  accounts_unavailable: { todo: "Start Orrery as root, or use `local({ accounts: 'linux' })`." },
  unit_not_started: {
    meaning: 'systemd could not start the unit of a server; the message has the status of its first process.',
    todo: "Look at what systemd says: `journalctl -u UNIT`. Status 226 is mostly a path in the spawner's options that is not there.",
  },
  hub_user_refused: { todo: 'Give the person another name; nobody works as the user of the hub.' },
  switch_failed: {
    todo: 'In a container: has root the capabilities that [privileges](../explanation/privileges.md) names?',
  },
  asker_gone: { todo: 'Nothing; the hub was restarted and asks again.' },
  launcher_failed: { todo: BUG },
  request_refused: { status: 500, todo: 'Hub and launcher are of different versions: restart Orrery.' },
  launcher_running: { todo: 'Stop the other launcher first.' },
  socket_unsafe: { todo: 'Move what is there away, or name another path with `--socket`.' },
  platform_unsupported: { todo: 'Run Orrery on Linux.' },

  // Starting.
  child_failed: { todo: 'The lines before it tell why; so does the log of that part in the folder `log`.' },
  database_locked: { status: 503, todo: '' },
  database_readonly: { status: 503, todo: '' },
  database_corrupt: { status: 503, todo: '' },
  database_unreachable: { status: 503, todo: '' },
  database_refused: { status: 503, todo: '' },
  command_unsafe: {
    meaning: 'Somebody other than root can change what servers would run through sudo.',
    status: 400,
    todo: 'Install what servers run as root, outside of homes; or name another `servers.cmd`.',
  },
  not_with_sudo: { todo: BUG },
}
