/** Keeps a forker running as long as the launcher does. */
import { setTimeout as sleep } from 'node:timers/promises'
import { background, type Logger } from '../../core/runtime.ts'
import { findProcess } from '../processes/process-info.ts'
import type { ServerExit } from '../protocol.ts'
import { type ChildOrder, type ForkedProcess, type Forker, ForkerGone } from './forker.ts'

export interface KeptForker {
  /** Like a forker's, and `ended` resolves in any case. */
  fork(order: ChildOrder): Promise<ForkedProcess>
  close(): Promise<void>
}

const LOOK_EVERY_MS = 500

/** `first`: one that runs or comes, or undefined; `open` opens another when there is none. */
export function keepForker(first: Promise<Forker> | undefined, open: () => Promise<Forker>, log: Logger): KeptForker {
  let current: Promise<Forker> | undefined
  let closing = false
  if (first) use(first)

  function use(opening: Promise<Forker>): Promise<Forker> {
    current = opening
    const forget = () => {
      if (current === opening) current = undefined
    }
    opening.then(forker => {
      log.info({ pid: forker.pid, python: forker.python }, 'forker ready')
      background(
        forker.gone.then(() => {
          forget()
          // The next start opens another: one that dies over and over costs nothing meanwhile.
          if (!closing) log.error({ pid: forker.pid }, 'forker has ended, servers go on')
        }),
        'forker',
        log,
      )
    }, forget)
    return opening
  }

  const running = () => current ?? use(open())

  return {
    async fork(order) {
      const forker = await running()
      const forked = await forker.fork(order).catch(async error => {
        // It ended just now, before it forked anything.
        if (!(error instanceof ForkerGone) || closing) throw error
        return await (await running()).fork(order)
      })
      return withKnownEnd(forked, forker.gone)
    },
    async close() {
      closing = true
      await current?.then(forker => forker.close()).catch(() => {})
    },
  }
}

/** With an `ended` that resolves in any case. */
export function withKnownEnd(forked: ForkedProcess, gone: Promise<void>): ForkedProcess {
  return { ...forked, ended: endOf(forked, gone) }
}

/** A forker tells how its children end; after its own end they have another parent, and no status is known. */
async function endOf({ pid, ended }: ForkedProcess, gone: Promise<void>): Promise<ServerExit> {
  const startTime = findProcess(pid)?.startTime
  const told = await Promise.race([ended, gone])
  if (told) return told
  for (;;) {
    const now = findProcess(pid)
    if (!now || now.ended || now.startTime !== startTime) return {}
    await sleep(LOOK_EVERY_MS, undefined, { ref: false })
  }
}
