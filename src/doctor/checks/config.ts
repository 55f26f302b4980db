import { defineCheck, failure, type Outcome, ok, type Site, warning } from '../check.ts'
import { LOOPBACK_HOST } from '../local-addresses.ts'

/** That it can be read was proved before any check ran; what is left is what works but perhaps not as meant. */
export const configCheck = defineCheck({
  id: 'config',
  title: 'Configuration',
  items: {
    file: 'Which config is in force. One that cannot be read, or has faults, is the only finding there is.',
    notices: 'Settings of a `jupyterhub_config.py` that were not carried over, old names of options.',
    'public-url': 'Whether `publicUrl`, `bindUrl` and what stands in front of Orrery go together.',
    'sign-in': 'Whether anybody may sign in who knows no secret.',
  },
  async run(site) {
    const { config, configFile } = site
    const where = configFile ?? 'no file, all defaults'
    const message = site.inHub ? 'The hub runs with a right configuration.' : `The configuration is right (${where}).`
    return [
      ok('file', message, { file: configFile ?? null }),
      ...site.notices.map(notice => warning('notices', notice, 'orrery config check lists all of them.')),
      publicAddress(site),
      ...openSignIn(config.authenticator),
    ]
  },
})

function publicAddress({ config: { publicUrl, bindUrl } }: Site): Outcome<'public-url'> {
  const host = new URL(publicUrl).hostname
  if (!LOOPBACK_HOST.test(host)) {
    if (publicUrl.startsWith('https:')) return ok('public-url', `People come by ${publicUrl}.`)
    return warning(
      'public-url',
      `People come by ${publicUrl}, without HTTPS: passwords and cookies can be read on the way.`,
      'Let Orrery serve HTTPS (proxy.tls), or put a web server that does in front of it, and set publicUrl.',
    )
  }
  const isOpen = !LOOPBACK_HOST.test(new URL(bindUrl).hostname)
  if (!isOpen) return ok('public-url', `The public address is ${publicUrl}, for this machine alone.`)
  return warning(
    'public-url',
    `The public address is ${publicUrl}, which works on this machine alone, while others can connect to ${bindUrl}.`,
    'Set publicUrl to the address that people type.',
  )
}

function openSignIn(authenticator: Site['config']['authenticator']): Outcome<'sign-in'>[] {
  if (!('kind' in authenticator) || authenticator.kind !== 'dummy') return []
  const next = 'Choose another authenticator before other people can reach it: authenticator in the config.'
  return authenticator.password === undefined
    ? [warning('sign-in', 'Everybody signs in under any name, with any password (dummy).', next)]
    : [warning('sign-in', 'Everybody signs in under any name with one password (dummy).', next)]
}

/** What is found of a config that cannot be read. */
export function configFault(message: string, nextStep: string): Outcome {
  return failure('file', message, nextStep)
}
