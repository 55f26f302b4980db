import { Command } from 'commander'
import { z } from 'zod'
import { readConfig } from '../config/load-config.ts'
import { type ConfigFlags, configSources, parsePort, withConfigFlags } from './config-flags.ts'

interface StartFlags extends ConfigFlags {
  readonly stopServers?: boolean
}

/** Two signals so close together are one Ctrl-C that came by two ways: by the terminal and by npm. */
const SAME_SIGNAL_MS = 500

export function startCommand(): Command {
  const command = new Command('start')
    .description('run everything: hub, proxy and launcher, and the Python environment they need')
    .option('--port <number>', 'port to listen on; the proxy API and the hub take this + 1 and + 81', parsePort)
    .option('--stop-servers', "end users' servers too when Orrery ends")
  return withConfigFlags(command).action(start)
}

async function start(flags: StartFlags): Promise<void> {
  const end = endRequests()
  // The config is read once: the programs that zod would make of its schema cost more than they save.
  z.config({ jitless: true })
  const loaded = await readConfig(configSources(flags))
  const [{ startSupervisor }, { terminal }] = await Promise.all([
    import('../app/start/supervisor.ts'),
    import('../app/start/terminal.ts'),
  ])
  const screen = terminal(process.stdout)
  const stopServers = flags.stopServers ?? false
  const options = { loaded, terminal: screen, env: process.env, stopServers, signal: end.signal }
  const supervisor = await startSupervisor(options).catch(error => {
    if (!end.signal.aborted) throw error
    screen.line('Ended before the start was complete.')
    process.exit(130)
  })

  process.on('SIGUSR2', () => void supervisor.restartProxy())

  await end.requested
  screen.line()
  screen.line(
    stopServers ? 'Ending servers, hub, proxy and launcher ...' : 'Ending hub, proxy and launcher; servers go on ...',
  )
  end.onSecond(() => {
    supervisor.kill()
    process.exit(1)
  })
  await supervisor.stop()
  screen.line('Ended.')
  process.exit(0)
}

/** Signals, and the end of the bootstrap that waits for this process. The first asks to end, a later one insists. */
function endRequests() {
  const controller = new AbortController()
  const first = Promise.withResolvers<void>()
  let firstAt = 0
  let second = () => process.exit(1)
  const request = () => {
    if (firstAt === 0) {
      firstAt = Date.now()
      controller.abort()
      first.resolve()
    } else if (Date.now() - firstAt > SAME_SIGNAL_MS) second()
  }
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, request)
  process.on('disconnect', request)
  process.channel?.unref()
  return {
    requested: first.promise,
    signal: controller.signal,
    onSecond(act: () => never) {
      second = act
    },
  }
}
