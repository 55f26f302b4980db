/** The proxy as the hub finds or starts it. */
import { z } from 'zod'
import { option } from './option.ts'
import { publicTlsSection } from './public-tls-section.ts'
import { httpUrl, secretText } from './values.ts'

const proxy = z.strictObject({
  apiUrl: option(
    httpUrl.default('http://127.0.0.1:8001'),
    "Where the proxy's own API listens.",
    'http://10.0.0.6:8001',
  ),
  authToken: option(
    secretText.optional(),
    "Token for the proxy's API.",
    { file: '/etc/orrery/proxy-token' },
    {
      secret: true,
      computed: 'made once, kept as proxy_auth_token in the data folder',
    },
  ),
  external: option(z.boolean().default(false), 'The proxy is started by somebody else.', true),
  workers: option(
    z.int().min(1).max(256).default(1),
    'Processes that forward, sharing one port and one table; more than one where a core is not enough.',
    4,
  ),
  command: option(
    z.array(z.string().min(1)).min(1).optional(),
    'Another program with the command line of configurable-http-proxy.',
    ['configurable-http-proxy'],
    {
      computed: "Orrery's own proxy",
    },
  ),
  additional: option(
    z
      .array(z.strictObject({ apiUrl: httpUrl, authToken: secretText.optional() }))
      .refine(given => new Set(given.map(({ apiUrl }) => apiUrl)).size === given.length, {
        error: 'expected each apiUrl once',
      })
      .default([]),
    'More proxies, started by somebody else, whose routes the hub keeps equal; `authToken` where it is not that of the first.',
    [{ apiUrl: 'http://10.0.0.7:8001' }],
  ),
  tls: publicTlsSection,
})

export const proxySection = proxy
  .superRefine(({ command, tls }: z.output<typeof proxy>, context) => {
    if (command === undefined) return
    const refuse = (path: string[]) =>
      context.addIssue({
        code: 'custom',
        path,
        message: "expected false with proxy.command: Orrery's own proxy has it",
        input: undefined,
      })
    if (tls.selfSigned) refuse(['tls', 'selfSigned'])
    if (tls.acme.enabled) refuse(['tls', 'acme', 'enabled'])
  })
  .prefault({})
