import { setTimeout as sleep } from 'node:timers/promises'
import type { LauncherClient } from '../launcher/client.ts'
import { serviceKey } from '../launcher/launched-services.ts'
import type { ServerTls } from '../plugin/spawner.ts'
import type { ServiceRun } from './keep-service.ts'
import { END_STEPS } from './process-records.ts'

export interface LaunchedProgram extends ServiceRun {
  readonly launcher: LauncherClient
  readonly name: string
  readonly environment: Readonly<Record<string, string>>
  /** The launcher writes it where the service finds it. */
  readonly tls?: ServerTls | undefined
}

const POLL_MS = 1_000
/** A bit more than the two steps and the kill after them. */
const END_MS = 15_000
const LAST_LINES = 20

/**
 * Runs a service once, by the launcher and so as its own Linux user, until it ends or `stop` aborts. What it prints
 * stands in the launcher's logs; its last lines come into the hub's log when it ends. Returns in words how it ended.
 */
export async function runLaunchedProcess(program: LaunchedProgram, stop: AbortSignal): Promise<string> {
  const { launcher, name, environment, tls, log } = program
  const key = serviceKey(name)
  const { pid, startTime, linuxUser } = await launcher.call('startService', {
    name,
    environment: { ...environment },
    ...(tls && { tls: { ...tls } }),
  })
  const seen = { key, pid, startTime }
  await program.onStart({ pid, startTime }).catch(err => log.warn({ err }, 'service could not be noted'))
  log.info({ pid, linuxUser }, 'service started')

  let end = 'stopped'
  for (;;) {
    if (stop.aborted) {
      await launcher.call('stop', { ...seen, ...END_STEPS }, { timeoutMs: END_MS })
      break
    }
    // A launcher that is being started again is asked again.
    const found = await launcher.call('poll', seen, { signal: stop }).catch(() => undefined)
    if (found && !found.running) {
      end = found.exit.signal ?? `exit status ${found.exit.status ?? 'unknown'}`
      const { text } = await launcher.call('logs', { key, lines: LAST_LINES }).catch(() => ({ text: '' }))
      for (const line of text.split('\n').filter(each => each !== '')) log.info({ line }, 'service says')
      break
    }
    await sleep(POLL_MS, undefined, { signal: stop }).catch(() => {})
  }
  await program.onEnd().catch(err => log.warn({ err }, 'end of a service could not be noted'))
  return end
}
