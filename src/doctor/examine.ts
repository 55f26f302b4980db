/** The whole of it: from what a command line or a page asks for to findings. */
import { type ConfigSources, readConfig } from '../config/load-config.ts'
import { HubError } from '../core/errors.ts'
import { ALL_CHECKS } from './all-checks.ts'
import type { Check, Finding } from './check.ts'
import { configCheck, configFault } from './checks/config.ts'
import { findSite, type SiteOptions } from './find-site.ts'
import { runChecks } from './run-checks.ts'

export interface ExamineOptions extends Omit<SiteOptions, 'loaded'> {
  readonly sources: ConfigSources
  /** Ids; all when empty. */
  readonly only: readonly string[]
}

/** Throws HubError `check_unknown`. A config with faults is one finding, and the only one. */
export async function examine({ sources, only, ...options }: ExamineOptions): Promise<Finding[]> {
  const checks = chosenChecks(only)
  const loaded = await readConfig(sources).catch(error => {
    if (error instanceof HubError) return error
    throw error
  })
  if (loaded instanceof HubError) {
    const next = `${loaded.nextStep ?? 'orrery config check tells all faults.'} The other checks need a configuration that can be read.`
    return [{ check: configCheck.id, title: configCheck.title, ...configFault(loaded.message, next) }]
  }
  return runChecks(checks, findSite({ ...options, loaded }))
}

/** In the order in which they are shown. Throws HubError `check_unknown`. */
export function chosenChecks(ids: readonly string[]): readonly Check[] {
  const unknown = ids.find(id => !ALL_CHECKS.some(check => check.id === id))
  if (unknown === undefined) return ids.length === 0 ? ALL_CHECKS : ALL_CHECKS.filter(({ id }) => ids.includes(id))
  throw new HubError('check_unknown', {
    status: 400,
    message: `There is no check ${unknown}.`,
    nextStep: `There are: ${ALL_CHECKS.map(({ id }) => id).join(', ')}.`,
  })
}
