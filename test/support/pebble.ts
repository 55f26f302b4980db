/** A certificate authority that speaks ACME, for tests: `test/testbed/acme.sh`. */
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync } from 'node:fs'
import { get } from 'node:https'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { text } from 'node:stream/consumers'

export interface Pebble extends Disposable {
  readonly directoryUrl: string
  /** File with the authority that the directory's own certificate comes from. */
  readonly caFile: string
  /** Where it asks for HTTP-01 and for TLS-ALPN-01. */
  readonly httpPort: number
  readonly tlsPort: number
  /** The root of what it issues, PEM. */
  root(): Promise<string>
}

/** Why there is none; false when there is. */
export const withoutPebble =
  process.getuid?.() === 0 || isInstalled('pebble') ? false : 'needs pebble, or root to install it'

export function startPebble(settings: { lifetimeSeconds: number; externalAccountOnly?: boolean }): Pebble {
  const env = {
    ...process.env,
    TESTBED_DIR: mkdtempSync(join(tmpdir(), 'pebble-')),
    ACME_LIFETIME: `${settings.lifetimeSeconds}`,
    ACME_EAB: `${settings.externalAccountOnly ?? false}`,
  }
  const run = (action: string) =>
    execFileSync(join(import.meta.dirname, '../testbed/acme.sh'), [action], {
      env,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  const told = new Map(
    run('up')
      .split('\n')
      .map(line => line.split('=') as [string, string]),
  )
  const value = (name: string) => told.get(`ORRERY_TEST_ACME_${name}`)!
  return {
    directoryUrl: value('DIRECTORY'),
    caFile: value('CA'),
    httpPort: Number(value('HTTP_PORT')),
    tlsPort: Number(value('TLS_PORT')),
    async root() {
      const asked = get(value('ROOTS'), { ca: readFileSync(value('CA')), agent: false })
      const [response] = await once(asked, 'response')
      return text(response)
    },
    [Symbol.dispose]: () => void run('down'),
  }
}

function isInstalled(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some(folder => existsSync(join(folder, program)))
}
