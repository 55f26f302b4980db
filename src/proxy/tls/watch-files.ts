import { type FSWatcher, statSync, watch } from 'node:fs'
import { dirname } from 'node:path'

/** Whoever replaces a key and a certificate needs two steps: they are looked at when it has been quiet for so long. */
const SETTLE_MS = 200
/** Network file systems tell nobody of changes; links may point to other folders, such as certbot's `archive`. */
const LOOK_EVERY_MS = 15_000

/** Calls `changed` after any of the files has been written or replaced. */
export function watchFiles(files: readonly string[], changed: () => void): { close(): void } {
  let seen = fingerprint(files)
  let settling: NodeJS.Timeout | undefined
  const look = () => {
    const now = fingerprint(files)
    if (now === seen) return
    seen = now
    changed()
  }
  const lookSoon = () => {
    clearTimeout(settling)
    settling = setTimeout(look, SETTLE_MS)
  }
  // Folders rather than files: a watched file that is replaced is watched no more.
  const watchers = [...new Set(files.map(file => dirname(file)))].flatMap(folder => watchFolder(folder, lookSoon))
  const timer = setInterval(look, LOOK_EVERY_MS).unref()
  return {
    close() {
      for (const watcher of watchers) watcher.close()
      clearTimeout(settling)
      clearInterval(timer)
    },
  }
}

/** None where the system has no more watches to give; the timer does it then. */
function watchFolder(folder: string, onEvent: () => void): FSWatcher[] {
  try {
    const watcher = watch(folder, { persistent: false }, onEvent)
    watcher.on('error', () => watcher.close())
    return [watcher]
  } catch {
    return []
  }
}

function fingerprint(files: readonly string[]): string {
  return files
    .map(file => {
      const found = statSync(file, { throwIfNoEntry: false })
      return found ? `${found.ino}:${found.mtimeMs}:${found.size}` : '-'
    })
    .join(' ')
}
