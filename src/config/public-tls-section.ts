/** TLS between browsers and the proxy. */
import { isIP } from 'node:net'
import { z } from 'zod'
import { CHALLENGES } from '../pki/acme/settings.ts'
import { option, section } from './option.ts'
import { speaksTls } from './speaks-tls.ts'
import { duration, secretText } from './values.ts'

const path = z.string().min(1)
const hostName = z
  .string()
  .regex(/^(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*$|^[0-9a-f:]+$/i, { error: 'expected a host name or an IP address' })
  .transform(name => name.toLowerCase())
const port = z.int().min(1).max(65_535)
const httpsUrl = z.string().regex(/^https:\/\/[^/]/, { error: 'expected an https URL' })

const acme = section({
  enabled: option(
    z.boolean().default(false),
    'Get the certificate from an authority over ACME and renew it; with it you agree to the terms of that authority.',
    true,
  ),
  email: option(z.email().optional(), 'Where the authority may write to.', 'admin@example.org'),
  directory: option(httpsUrl.optional(), 'ACME directory of the authority.', 'https://acme.zerossl.com/v2/DV90', {
    computed: "Let's Encrypt's",
  }),
  staging: option(
    z.boolean().default(false),
    "Use Let's Encrypt's authority for trials, which no browser trusts and whose limits nobody reaches.",
    true,
  ),
  challenge: option(
    z.enum(CHALLENGES).optional(),
    'How to show that the names lead here: a file over HTTP on port 80, or a certificate of its own on port 443.',
    'tls-alpn-01',
    { computed: 'http-01 with proxy.tls.redirectPort, else tls-alpn-01' },
  ),
  caFile: option(
    path.optional(),
    'File of authorities (PEM) that the certificate of the directory may come from, for an authority of your own.',
    '/etc/ssl/certs/our-root.pem',
    { isPath: true },
  ),
  eabKeyId: option(z.string().min(1).optional(), 'Account at the authority (external account binding).', 'kid-1'),
  eabHmacKey: option(
    secretText.optional(),
    'Key of that account, base64url.',
    { file: '/etc/orrery/acme-eab-key' },
    { secret: true },
  ),
})

const publicTls = z.strictObject({
  key: option(path.optional(), 'File with the private key (PEM), read again when it changes.', '/etc/ssl/hub.key', {
    isPath: true,
  }),
  cert: option(
    path.optional(),
    'File with the certificate and those between it and the authority (PEM), read again when it changes.',
    '/etc/ssl/hub.pem',
    { isPath: true },
  ),
  keyPassphrase: option(
    secretText.optional(),
    'What the private key is encrypted with.',
    { file: '/etc/orrery/key-passphrase' },
    { secret: true },
  ),
  selfSigned: option(
    z.boolean().default(false),
    'Speak HTTPS with a certificate made here, for private networks and trials.',
    true,
  ),
  acme,
  names: option(
    z.array(hostName).min(1).optional(),
    'Names of the certificate that `selfSigned` or `acme` gets.',
    ['hub.example.org'],
    { computed: 'the host of publicUrl or subdomainHost' },
  ),
  http2: option(z.boolean().default(true), 'Offer HTTP/2 to browsers.', false),
  hsts: option(
    duration.default(0),
    'How long browsers come by HTTPS alone after a visit (Strict-Transport-Security); 0 tells them nothing.',
    '180d',
  ),
  redirectPort: option(port.optional(), 'Port whose HTTP requests are redirected to HTTPS.', 80),
})

type PublicTls = z.output<typeof publicTls>

export const publicTlsSection = publicTls.superRefine(findFaults).prefault({})

function findFaults(tls: PublicTls, context: z.RefinementCtx): void {
  const refuse = (path: string[], message: string) =>
    context.addIssue({ code: 'custom', path, message, input: undefined })
  const { key, cert, selfSigned, acme, names = [], redirectPort } = tls
  if ((key === undefined) !== (cert === undefined)) {
    refuse([key === undefined ? 'key' : 'cert'], 'expected a file: key and cert belong together')
  }
  if (key !== undefined && selfSigned) refuse(['selfSigned'], 'expected false with key and cert')
  if ((key !== undefined || selfSigned) && acme.enabled) {
    refuse(['acme', 'enabled'], `expected false with ${selfSigned ? 'selfSigned' : 'key and cert'}`)
  }
  if (redirectPort !== undefined && !speaksTls(tls)) {
    refuse(['redirectPort'], 'expected none without key and cert, selfSigned or acme: there is no HTTPS to redirect to')
  }
  if (!acme.enabled) return
  for (const name of names.filter(name => isIP(name) || name.startsWith('*.'))) {
    refuse(['names'], `expected names without * and no addresses with acme, got "${name}"`)
  }
  if (acme.challenge === 'http-01' && redirectPort === undefined) {
    refuse(['acme', 'challenge'], 'expected redirectPort with http-01, which is answered there')
  }
  if (acme.staging && acme.directory !== undefined) {
    refuse(['acme', 'staging'], "expected false with directory: it is Let's Encrypt's")
  }
  if ((acme.eabKeyId === undefined) !== (acme.eabHmacKey === undefined)) {
    refuse(['acme', 'eabKeyId'], 'expected both or none of eabKeyId and eabHmacKey')
  }
}
