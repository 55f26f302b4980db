import { z } from 'zod'
import { option } from './option.ts'

const cookies = z.strictObject({
  hostPrefix: option(
    z.boolean().default(false),
    'Login cookies, those of servers too, bear the prefix `__Host-`, which no other host of the domain can set; needs https, and lays them on `/`.',
    true,
  ),
  sameSite: option(
    z.enum(['strict', 'lax', 'none']).optional(),
    'When browsers send cookies along with requests that other sites cause; `none`, for frames in other sites, makes cookies Secure.',
    'lax',
    { computed: "the browser's own, mostly lax" },
  ),
  secure: option(z.boolean().optional(), 'Browsers send cookies by https alone.', true, {
    computed: 'true where people come by https',
  }),
  domain: option(
    z
      .string()
      .regex(/^\.?[a-z0-9-]+(\.[a-z0-9-]+)*$/i, { error: 'expected a domain such as example.org' })
      .optional(),
    'Cookies are for all hosts of this domain.',
    'example.org',
    { computed: 'for this host alone' },
  ),
})

type Cookies = z.output<typeof cookies>

/** How the hub's cookies are set: JupyterHub's `cookie_host_prefix_enabled` and `tornado_settings['cookie_options']`. */
export const cookiesSection = cookies
  .superRefine(({ hostPrefix, domain, secure }: Cookies, context) => {
    const refuse = (name: string, expected: string) =>
      context.addIssue({ code: 'custom', path: [name], message: `${expected} with hostPrefix`, input: undefined })
    // Browsers drop such cookies, and nobody could sign in.
    if (hostPrefix && domain !== undefined) refuse('domain', 'expected none')
    if (hostPrefix && secure === false) refuse('secure', 'expected true or nothing')
  })
  .prefault({})
