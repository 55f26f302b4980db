import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { HubError } from '../core/errors.ts'

/** Asks twice on a terminal, showing nothing of it; else takes the first line of standard input. */
export async function askPassword(question: string): Promise<string> {
  if (!process.stdin.isTTY) return (await text(process.stdin)).split(/\r?\n/)[0] ?? ''
  const first = await askHidden(`${question}: `)
  const second = await askHidden('Again: ')
  if (first === second) return first
  throw new HubError('passwords_differ', { status: 400, message: 'The two passwords differ; nothing was changed.' })
}

async function askHidden(question: string): Promise<string> {
  process.stderr.write(question)
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: nowhere, terminal: true })
  try {
    return await lines.question('')
  } finally {
    lines.close()
    process.stderr.write('\n')
  }
}
