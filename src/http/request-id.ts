import { randomFillSync } from 'node:crypto'

const ID_BYTES = 6
/** Asking the system for a few bytes costs as much as for many. */
const pool = Buffer.alloc(ID_BYTES * 500)
let at = pool.length

/** Names a request in logs and in answers: 12 hexadecimal digits. */
export function newRequestId(): string {
  if (at === pool.length) {
    randomFillSync(pool)
    at = 0
  }
  at += ID_BYTES
  return pool.toString('hex', at - ID_BYTES, at)
}
