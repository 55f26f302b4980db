/** The login page, limits on guesses, and when a sign-in is looked at again. */
import { z } from 'zod'
import { functionOf } from './functions.ts'
import { option, section } from './option.ts'
import { duration, link } from './values.ts'

export const signInSection = section({
  autoLogin: option(
    z.boolean().default(false),
    'The login page leads straight to the provider, where the authenticator has one.',
    true,
  ),
  autoLoginOauth2Authorize: option(
    z.boolean().default(false),
    'The same, only for people whom a server or an application sends to sign in.',
    true,
  ),
  logoutRedirectUrl: option(
    link.optional(),
    'Where signing out leads, for example the sign-out page of the provider.',
    'https://login.example.org/logout',
    { computed: 'the login page, or a page that says good-bye' },
  ),
  customHtml: option(
    z.union([z.string(), functionOf<(hubUrl: string) => string>()]).default(''),
    'A login form of your own, as HTML with the variables of the template `login.html`; a function is given the path of the hub.',
    '<form action="{{ authenticator_login_url }}" method="post"><input type="hidden" name="_xsrf" value="{{ xsrf }}"> ...</form>',
  ),
  requestOtp: option(z.boolean().default(false), 'The login form asks for a one-time code, in the field `otp`.', true),
  otpPrompt: option(z.string().default('One-time code'), 'What the login form calls that code.', 'Code of your key'),
  refreshAge: option(
    duration.default(300),
    'For how long what the authenticator has told of a user is good; then it looks again, if it can. 0 for ever.',
    '10m',
  ),
  refreshStrict: option(
    z.boolean().default(false),
    'Where that has expired, refuse also API tokens, and starts by others, until the user signs in again.',
    true,
  ),
  refreshPreSpawn: option(
    z.boolean().default(false),
    'The authenticator looks again before each start of a server.',
    true,
  ),
  refreshPreStop: option(
    z.boolean().default(false),
    'The authenticator looks again before each stop of a server.',
    true,
  ),
  failures: option(z.int().min(1).default(5), 'Failed tries for one name before it must wait.', 10),
  addressFailures: option(
    z.int().min(1).default(100),
    'The same for one address, with whatever names. A whole class may share one.',
    30,
  ),
  tokenFailures: option(
    z.int().min(1).default(100),
    'Different wrong API tokens of one address before it must wait.',
    20,
  ),
  codeFailures: option(
    z.int().min(1).default(20),
    'Different wrong share codes of one person, or ten times as many from one address, before they must wait.',
    5,
  ),
  window: option(duration.default(600), 'For how long a failed try counts.', '10m'),
  lock: option(duration.default(300), 'How long one must wait after too many failed tries.', '15m'),
})
