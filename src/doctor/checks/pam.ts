import { existsSync, readFileSync } from 'node:fs'
import { defineCheck, failure, ok, skipped } from '../check.ts'

/** pam.d(5); distributions that keep theirs in /usr look there second. */
const FOLDERS = ['/etc/pam.d', '/usr/lib/pam.d', '/usr/share/pam.d', '/usr/etc/pam.d']

export const pamCheck = defineCheck({
  id: 'pam',
  title: 'PAM',
  items: {
    service: 'The PAM service that the config names has a file.',
    privilege: 'Passwords of others can be checked: Orrery is started as root.',
  },
  async run({ config: { authenticator }, isRoot, supervisor, hubOwner, inHub }) {
    if (!('kind' in authenticator) || authenticator.kind !== 'pam') return []
    const { service } = authenticator
    const file = FOLDERS.map(folder => `${folder}/${service}`).find(existsSync)
    const has = file !== undefined || inPamConf(service)
    return [
      has
        ? ok('service', `The PAM service ${service} is ${file ?? 'in /etc/pam.conf'}.`)
        : failure(
            'service',
            `There is no PAM service ${service}: nobody can sign in.`,
            `Make /etc/pam.d/${service}, or set service to one that there is, such as login.`,
          ),
      // The hub of a root's Orrery is somebody else; the launcher was asked in its own check.
      isRoot || inHub || supervisor === undefined || hubOwner?.uid !== process.getuid?.()
        ? skipped('privilege', 'The check launcher tells whether passwords of others can be checked.')
        : failure('privilege', 'Without root PAM checks the password of this account alone.', 'Start Orrery as root.'),
    ]
  },
})

function inPamConf(service: string): boolean {
  return (
    existsSync('/etc/pam.conf') &&
    readFileSync('/etc/pam.conf', 'utf8')
      .split('\n')
      .some(line => line.split(/\s/)[0] === service)
  )
}
