/** The installation that a config describes, as far as this process can see it. */
import { readFileSync, statSync } from 'node:fs'
import { dataPaths, type Owner } from '../app/data-folder.ts'
import type { LoadedConfig } from '../config/load-config.ts'
import type { Site } from './check.ts'
import { isAlive } from './processes.ts'

export interface SiteOptions {
  readonly loaded: Pick<LoadedConfig, 'config' | 'file' | 'notices'>
  readonly env: NodeJS.ProcessEnv
  /** Default: that of the config. */
  readonly publicUrl?: string | undefined
  readonly user?: string | undefined
  readonly inHub?: boolean
  readonly idleSeconds?: number | undefined
}

export function findSite({ loaded, env, publicUrl, user, inHub = false, idleSeconds }: SiteOptions): Site {
  const { config, file, notices } = loaded
  const paths = dataPaths(config.dataDir)
  const url = new URL(publicUrl ?? config.publicUrl)
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return {
    config,
    configFile: file,
    notices,
    paths,
    env,
    isRoot: process.getuid?.() === 0,
    inHub,
    hubOwner: ownerOf(paths.hub),
    supervisor: supervisorOf(paths.lock),
    publicUrl: url.href,
    user,
    idleSeconds,
    now: () => new Date(),
  }
}

function ownerOf(path: string): Owner | undefined {
  try {
    const { uid, gid } = statSync(path)
    return { uid, gid }
  } catch {
    return undefined // not made yet, or not to be seen
  }
}

/** The lock itself must not be tried: a start that begins at this moment would find it taken. */
function supervisorOf(lock: string): number | undefined {
  try {
    const pid = Number.parseInt(readFileSync(`${lock}.pid`, 'utf8'), 10)
    return pid > 0 && isAlive(pid) ? pid : undefined
  } catch {
    return undefined
  }
}
