/** A socket that systemd connects to once, as input and output of a unit's first program. */
import { createServer, type Socket } from 'node:net'
import type { ChildOrder, ChildReport } from '../forking/forker.ts'
import { readLines } from '../lines.ts'
import { peerCredentials } from '../peer-credentials.ts'

/** The program of a unit, before it is the server. */
export interface Visitor {
  /** systemd connects in the process that becomes the program. */
  readonly pid: number
  /** Undefined when it ended before it could say anything. */
  readonly report: Promise<ChildReport | undefined>
  give(order: ChildOrder): void
  /** Lets it turn into the server. */
  go(): void
  /** Ends it in the place of that. */
  drop(): void
}

export interface OrderDoor extends Disposable {
  /** Rejects when nobody comes in time. */
  readonly visitor: Promise<Visitor>
}

const COME_WITHIN_MS = 60_000
const MAX_REPORT_BYTES = 64 * 1024

/** `path` in a folder that root alone can enter. Disposing of it turns away who has not come yet. */
export async function openOrderDoor(path: string): Promise<OrderDoor> {
  const { promise: visitor, resolve, reject } = Promise.withResolvers<Visitor>()
  visitor.catch(() => {}) // also when nobody waits for it any more
  const server = createServer(socket => {
    server.close()
    resolve(visitorAt(socket))
  })
  const timer = setTimeout(() => reject(new Error('the program of the unit did not ask for its order')), COME_WITHIN_MS)
  await new Promise<void>((done, fail) => {
    server.once('error', fail)
    server.listen(path, done)
  })
  return {
    visitor,
    [Symbol.dispose]() {
      clearTimeout(timer)
      server.close()
    },
  }
}

function visitorAt(socket: Socket): Visitor {
  const report = Promise.withResolvers<ChildReport | undefined>()
  socket.on('error', () => {}) // its end follows
  socket.once('close', () => report.resolve(undefined))
  readLines(socket, MAX_REPORT_BYTES, line => report.resolve(JSON.parse(line) as ChildReport)) // written by unit.py alone
  return {
    pid: peerCredentials(socket).pid,
    report: report.promise,
    give(order) {
      const text = Buffer.from(JSON.stringify(order))
      const length = Buffer.alloc(4)
      length.writeUInt32BE(text.length)
      socket.write(Buffer.concat([length, text]))
    },
    go: () => void socket.end('\n'),
    drop: () => void socket.destroy(),
  }
}
