/** All tables, by the section of a config that they are about. */
import type { TraitRule, TraitTable } from '../trait-rule.ts'
import {
  authenticatorTraits,
  dummyTraits,
  localAuthenticatorTraits,
  nativeTraits,
  pamTraits,
  sharedPasswordTraits,
} from './authenticators.ts'
import { hubTraits } from './hub.ts'
import { configurableHttpProxyTraits, cryptKeeperTraits, metricsTraits, proxyTraits } from './parts.ts'
import {
  localProcessTraits,
  simpleLocalProcessTraits,
  spawnerTraits,
  sudoSpawnerTraits,
  systemdTraits,
} from './spawners.ts'

export const TRAIT_TABLES: Readonly<Record<string, TraitTable>> = {
  Application: {},
  JupyterHub: hubTraits,
  Authenticator: authenticatorTraits,
  LocalAuthenticator: localAuthenticatorTraits,
  PAMAuthenticator: pamTraits,
  DummyAuthenticator: dummyTraits,
  SharedPasswordAuthenticator: sharedPasswordTraits,
  NullAuthenticator: {},
  NativeAuthenticator: nativeTraits,
  Spawner: spawnerTraits,
  LocalProcessSpawner: localProcessTraits,
  SimpleLocalProcessSpawner: simpleLocalProcessTraits,
  SudoSpawner: sudoSpawnerTraits,
  SystemdSpawner: systemdTraits,
  Proxy: proxyTraits,
  ConfigurableHTTPProxy: configurableHttpProxyTraits,
  CryptKeeper: cryptKeeperTraits,
  PeriodicMetricsCollector: metricsTraits,
}

/** The rule for a trait of a class with these sections; undefined where JupyterHub has no such trait. */
export function findRule(sections: readonly string[], name: string): TraitRule | undefined {
  return sections.map(section => TRAIT_TABLES[section]?.[name]).find(rule => rule !== undefined)
}

/** For "did you mean". */
export function traitNames(sections: readonly string[]): string[] {
  return sections.flatMap(section => Object.keys(TRAIT_TABLES[section] ?? {}))
}
