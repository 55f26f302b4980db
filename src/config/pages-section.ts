/** How pages look, and where they lead. */
import { z } from 'zod'
import type { MaybePromise } from '../core/runtime.ts'
import type { UserRecord } from '../plugin/spawner.ts'
import { functionOf } from './functions.ts'
import { option, section } from './option.ts'
import { link } from './values.ts'

export const pagesSection = section({
  defaultUrl: option(
    z.union([z.string(), functionOf<(user: UserRecord | undefined) => MaybePromise<string | undefined>>()]).default(''),
    'Where people arrive at `/hub/` and after signing in, baseUrl included; a function is given the user, undefined for nobody; empty for `redirectToServer`.',
    '/hub/home',
  ),
  redirectToServer: option(
    z.boolean().default(true),
    'Signing in leads to the own server, which starts when it does not run; false: to the home page.',
    false,
  ),
  siteName: option(z.string().min(1).max(60).default('Orrery'), 'Name that pages show.', 'Physics Jupyter'),
  accentColour: option(
    z
      .string()
      .regex(/^#[0-9a-fA-F]{6}$/, { error: 'expected a colour such as #4f46e5' })
      .default('#4f46e5'),
    'Colour of buttons and links.',
    '#00695c',
  ),
  logoFile: option(z.string().optional(), 'Picture in the head of every page.', '/etc/orrery/logo.svg', {
    computed: "Orrery's own",
    isPath: true,
  }),
  templatePaths: option(
    z.array(z.string()).default([]),
    'Folders of templates that replace those of Orrery.',
    ['/etc/orrery/templates'],
    {
      isPath: true,
    },
  ),
  templateVars: option(z.record(z.string(), z.unknown()).default({}), 'Variables for the templates.', {
    phone: '2222',
  }),
  loginTermUrl: option(
    link.optional(),
    'Terms that everybody must accept on the login form.',
    'https://example.org/terms',
    { computed: 'no terms' },
  ),
  announcement: option(z.string().default(''), 'HTML on top of every page.', 'Maintenance on Friday at 18:00.'),
  footer: option(z.string().default(''), 'HTML below every page.', '<a href="/imprint">Imprint</a>'),
  announcements: option(
    z.partialRecord(z.enum(['login', 'home', 'spawn', 'token', 'logout']), z.string()).default({}),
    'HTML on top of single pages, in place of the common one.',
    { login: 'Use your library card.' },
  ),
})
