/** How a proxy finds the one whose place it takes, and starts the one that takes its own. */
import { spawn } from 'node:child_process'
import { HubError } from '../../core/errors.ts'
import { listenEnvironment, type SocketName } from '../inherited-sockets.ts'
import type { RunningProxy } from '../proxy-options.ts'
import { type Link, linkTo } from './link.ts'

/** From a supervisor: hand over to that process, which it has started. */
export interface SucceedMessage {
  readonly type: 'succeed'
  readonly pid: number
}

const PREDECESSOR = 'ORRERY_INTERNAL_PREDECESSOR'

export function predecessorEnvironment(pid: number): NodeJS.ProcessEnv {
  return { [PREDECESSOR]: String(pid) }
}

/** Of the process whose place this one is to take; undefined when it begins on its own. */
export function predecessorPid(): number | undefined {
  const pid = Number(process.env[PREDECESSOR])
  return pid > 0 && process.connected === true ? pid : undefined
}

export function predecessorLink(): Link | undefined {
  const pid = predecessorPid()
  return pid === undefined ? undefined : linkTo(process, pid)
}

/**
 * Starts the same command as this process was started with, on the same sockets. Throws HubError `proxy_options_invalid`
 * where a socket cannot be handed on.
 */
export function startSuccessor(running: RunningProxy): Link {
  const open = Object.entries({
    public: running.publicAddress,
    api: running.apiAddress,
    metrics: running.metricsAddress,
    redirect: running.redirectAddress,
  } satisfies Record<SocketName, unknown>).filter(([, address]) => address !== undefined)
  const sockets = open.map(([name, address]) => {
    if (address!.fd !== undefined) return { name: name as SocketName, fd: address!.fd }
    throw new HubError('proxy_options_invalid', {
      status: 400,
      message: `A Unix socket that the proxy has made itself cannot be handed to its successor (${name}).`,
      nextStep: 'Let systemd open it (a .socket unit), or restart the proxy.',
    })
  })
  const { LISTEN_PID: _pid, LISTEN_FDS: _count, LISTEN_FDNAMES: _names, ...env } = process.env
  const child = spawn(process.execPath, [...process.execArgv, ...process.argv.slice(1)], {
    stdio: ['inherit', 'inherit', 'inherit', ...sockets.map(({ fd }) => fd), 'ipc'],
    env: { ...env, ...listenEnvironment(sockets.map(({ name }) => name)), ...predecessorEnvironment(process.pid) },
    // It outlives this process, and is not ended with it from a terminal.
    detached: true,
  })
  child.on('error', () => {}) // then it has no channel either, which is told as gone
  child.unref()
  return linkTo(child, child.pid ?? 0)
}
