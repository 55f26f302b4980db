/** Kills all of a group that can only be listed; again until a listing is empty, since the last ones may just have forked. */
export function killAll(list: () => readonly number[]): void {
  for (let round = 0; round < ROUNDS; round++) {
    const pids = list()
    if (pids.length === 0) return
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
      }
    }
  }
}

/** Those that are killed stay in the listing for some moments, so this is no sign of a failure. */
const ROUNDS = 20
