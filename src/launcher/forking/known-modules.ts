/** Whether it is known what servers import, see `python/launcher/orrery_forker/known.py`, which alone decides. */
import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { isPresent } from './preloading.ts'

const seed = z.record(z.string(), z.object({ of: z.object({ packages: z.record(z.string(), z.string()) }) }))

/** `changed`: its packages are others than when it was found out. */
export function knowledgeOf(program: string, path: string): 'known' | 'changed' | 'unknown' {
  const entry = read(path)?.[program]
  if (!entry) return 'unknown'
  return isPresent(entry.of.packages) ? 'known' : 'changed'
}

function read(path: string): z.infer<typeof seed> | undefined {
  try {
    return seed.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return undefined
  }
}
