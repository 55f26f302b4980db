import type { Config } from '../config/schema.ts'
import { ALL_CHECKS } from './all-checks.ts'
import type { Finding } from './check.ts'
import { findSite } from './find-site.ts'
import { runChecks } from './run-checks.ts'

/** All checks from within the hub, on the config that it runs with: it needs no schema to read one. */
export function examineFromHub(config: Config, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const loaded = { config, file: undefined, notices: [] }
  return runChecks(ALL_CHECKS, findSite({ loaded, env, inHub: true }))
}
