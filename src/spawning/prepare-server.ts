/** The site's own part of a start: its hooks, the overrides of groups and the chosen options, in JupyterHub's order. */
import type { Profile } from '../config/profiles-option.ts'
import type { Json, Logger } from '../core/runtime.ts'
import type { GroupOverrides, Hooks, ServerDraft, StartContext } from '../plugin/hooks.ts'
import type { UserRecord } from '../plugin/spawner.ts'
import type { SpawningHooks } from './context.ts'
import { type ApplyUserOptions, applyGroupOverrides, applyUserOptions } from './overrides.ts'
import { applyProfile } from './profiles/apply-profile.ts'
import { chooseProfile } from './profiles/choose-profile.ts'
import { runHook } from './run-hook.ts'

export interface SitePreparation {
  readonly hooks: { readonly [Name in 'authState' | 'preSpawn']?: Hooks[Name] | undefined }
  readonly groupOverrides?: GroupOverrides | ((server: ServerDraft) => GroupOverrides | Promise<GroupOverrides>)
  readonly applyUserOptions?: ApplyUserOptions
  readonly profiles?: readonly Profile[]
  /** Null when none is kept. */
  authStateOf(user: UserRecord): Promise<Json>
  readonly log: Logger
}

/** Undefined where the site has nothing of its own. */
export function sitePreparation(site: SitePreparation): SpawningHooks['prepare'] {
  const { hooks, groupOverrides, applyUserOptions: apply, profiles = [], log } = site
  const isPlain = !groupOverrides && !apply && profiles.length === 0
  if (!hooks.authState && !hooks.preSpawn && isPlain) return undefined
  return async (server, signal) => {
    const needsAuthState = hooks.authState || hooks.preSpawn || typeof apply === 'function'
    const authState = needsAuthState ? await site.authStateOf(server.user) : null
    const context: StartContext = { authState, signal, log: log.child({ ...server.key }) }
    const step = (name: string, run: () => unknown) => runHook(name, signal, run)

    if (hooks.authState) await step('hooks.authState', () => hooks.authState!(server, authState, context))
    if (groupOverrides) {
      await step('servers.groupOverrides', async () => {
        const overrides = typeof groupOverrides === 'function' ? await groupOverrides(server) : groupOverrides
        await applyGroupOverrides(server, overrides, log)
      })
    }
    if (profiles.length > 0) {
      const chosen = chooseProfile(profiles, server.user, server.options)
      await step('servers.profiles', () => applyProfile(server, chosen))
    }
    if (apply) await step('servers.applyUserOptions', () => applyUserOptions(server, apply, context))
    if (hooks.preSpawn) await step('hooks.preSpawn', () => hooks.preSpawn!(server, context))
  }
}
