import { readFileSync } from 'node:fs'
import { parseSecret } from '../../access/cookie-secret.ts'
import { makeProbeKey } from '../../features/probe/probe-key.ts'
import type { Site } from '../check.ts'

/** A key for the hub's probes; undefined where this account may not read what it is made with. */
export function probeKey({ config, env, now }: Site): string | undefined {
  const given = env.JPY_COOKIE_SECRET || config.cookieSecret || readIfAllowed(config.cookieSecretFile)
  return given === undefined ? undefined : makeProbeKey(parseSecret(given, 'the cookie secret'), now())
}

function readIfAllowed(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}
