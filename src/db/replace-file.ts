import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/**
 * Writes a file that only its owner reads, from one text or from pieces. Whoever looks, after `kill -9` too, finds the
 * old text or the new one, whole. Returns the number of bytes.
 */
export async function replaceFile(file: string, text: string | Iterable<string>): Promise<number> {
  let bytes = 0
  const temporary = `${file}.${process.pid}-${randomBytes(4).toString('hex')}.tmp`
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      for (const piece of typeof text === 'string' ? [text] : text) {
        const data = Buffer.from(piece)
        await handle.writeFile(data)
        bytes += data.length
      }
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  const folder = await open(dirname(file))
  await folder.sync().catch(() => {}) // some file systems cannot; the rename is atomic all the same
  await folder.close()
  return bytes
}
