import { findProcess } from '../../../src/launcher/processes/process-info.ts'

/** How a site runs its servers, as `survivesSuite` wants to know it. */
export interface WayToRun {
  /** The part of the config that says so, `spawner` at least. */
  readonly config: Readonly<Record<string, unknown>>
  /** The Linux user that Orrery runs as. Default: the caller's. */
  readonly uid?: number
  /** Somebody who may have a server: any password lets them in. */
  readonly person: string
  /** A real `jupyterhub-singleuser`. */
  readonly realServer: readonly string[]
  /** `tiny-server.py --when FILE` */
  readonly tinyServer: readonly string[]
  /** That file: made and removed by the test, seen by servers. */
  readonly whenFile: string
  /** What runs of a server with this state, by a name that nothing else ever has; undefined when nothing does. */
  whatRuns(state: unknown): string | undefined
  /** Ends it behind the hub's back. */
  kill(state: unknown): void
  close(): Promise<void> | void
}

/** `whatRuns` and `kill` where servers are processes of this machine, with their number in the state. */
export const asProcesses: Pick<WayToRun, 'whatRuns' | 'kill'> = {
  whatRuns(state) {
    const pid = pidOf(state)
    const info = pid === undefined ? undefined : findProcess(pid)
    return info && !info.ended ? `${info.pid} since ${info.startTime}` : undefined
  },
  kill(state) {
    process.kill(pidOf(state) ?? Number.NaN, 'SIGKILL')
  },
}

function pidOf(state: unknown): number | undefined {
  return (state as { pid?: number } | undefined)?.pid // of the spawners that this is for
}
