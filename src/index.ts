/** What a config file and plug-ins may import from `orrery`. */
export { dummy, nobody, ownAccounts, pam, sharedPassword } from './config/authenticators.ts'
export { type Config, type ConfigInput, defineConfig } from './config/schema.ts'
export { local, sudo, systemd } from './config/spawners.ts'
export { HubError } from './core/errors.ts'
export { SpawnError } from './core/reason.ts'
export type * from './plugin/authenticator.ts'
export type * from './plugin/hooks.ts'
export type * from './plugin/spawner.ts'
