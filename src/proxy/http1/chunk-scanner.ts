/**
 * A chunked body (RFC 9112 7.1), checked strictly while its bytes pass. What is passed on are the very bytes that came,
 * framing included, but for extensions, which are left out; or, `bare`, the content alone.
 */
import { CR, HEX, LF } from './byte-classes.ts'
import {
  dropping,
  INCOMPLETE,
  keptLines,
  NOT_IN_TRAILERS,
  newFieldScan,
  SCAN_FAULTS,
  scanFields,
} from './head-fields.ts'
import { HeadFault } from './request-head.ts'

export interface ChunkSink {
  /** A piece of the body; the last chunk (of size 0) and the trailers are not among them. */
  piece(bytes: Buffer, from: number, to: number): void
}

const MAX_EXTENSION_BYTES = 16 * 1024 // in one body, as Node has it
const MAX_TRAILER_BYTES = 16 * 1024

const DROPPED = dropping(...NOT_IN_TRAILERS)

type State = 'size' | 'extension' | 'size-lf' | 'data' | 'data-cr' | 'data-lf' | 'trailers' | 'done'

const EXTENSIONS =
  /^(?:;[\w!#$%&'*+.^`|~-]+(?:=(?:[\w!#$%&'*+.^`|~-]+|"(?:[\t \x21\x23-\x5b\x5d-\x7e]|\\[\t \x21-\x7e])*"))?)+$/

export class ChunkScanner {
  readonly #bare: boolean
  #state: State = 'size'
  #size = 0
  #digits = 0
  #extension = ''
  #extensionBytes = 0
  #held: Buffer | undefined
  /** Lines behind the last chunk, without those that are not allowed there. */
  trailers = ''

  constructor(options: { bare: boolean }) {
    this.#bare = options.bare
  }

  get done(): boolean {
    return this.#state === 'done'
  }

  /**
   * Takes what is there up to the end of the body.
   * @returns the position behind what was taken, which is `end` unless the body is done; or a fault
   */
  scan(bytes: Buffer, from: number, end: number, sink: ChunkSink): number | HeadFault {
    let i = from
    let run = from // start of what has been taken and not yet been passed on
    let line = from // start of the size line, if it lies in these bytes
    let whole = this.#state === 'size' && this.#digits === 0 // all of the size line lies in these bytes
    const flush = (to: number) => {
      if (to > run) sink.piece(bytes, run, to)
    }
    while (i < end) {
      switch (this.#state) {
        case 'size': {
          const digit = HEX[bytes[i]!]!
          if (digit < 16) {
            // Zeros in front count, too: nobody needs more digits.
            if (++this.#digits > 12) return new HeadFault(400, 'a chunk size with too many digits')
            this.#size = 16 * this.#size + digit
            i++
          } else if (this.#digits === 0) {
            return new HeadFault(400, 'a chunk without a size (RFC 9112 7.1)')
          } else if (bytes[i] === CR) {
            this.#state = 'size-lf'
            i++
          } else if (bytes[i] === 59) {
            this.#state = 'extension'
          } else {
            return new HeadFault(400, 'a chunk size that is no number (RFC 9112 7.1)')
          }
          break
        }
        case 'extension':
          if (bytes[i] === CR) this.#state = 'size-lf'
          else {
            if (++this.#extensionBytes > MAX_EXTENSION_BYTES) return new HeadFault(413, 'chunk extensions without end')
            this.#extension += String.fromCharCode(bytes[i]!)
          }
          i++
          break
        case 'size-lf':
          if (bytes[i] !== LF) return new HeadFault(400, SCAN_FAULTS[-3]!)
          if (this.#extension !== '' && !EXTENSIONS.test(this.#extension)) {
            return new HeadFault(400, 'a chunk extension of another form (RFC 9112 7.1.1)')
          }
          i++
          if (this.#size === 0) {
            if (whole) flush(this.#bare ? run : line)
            run = i
            this.#state = 'trailers'
            break
          }
          if (this.#bare) run = i
          else if (!whole || this.#extension !== '') {
            if (whole) flush(line)
            const size = Buffer.from(`${this.#size.toString(16)}\r\n`)
            sink.piece(size, 0, size.length)
            run = i
          }
          this.#state = 'data'
          break
        case 'data': {
          const taken = Math.min(this.#size, end - i)
          i += taken
          this.#size -= taken
          if (this.#size === 0) {
            this.#state = 'data-cr'
            if (this.#bare) {
              flush(i)
              run = i
            }
          }
          break
        }
        case 'data-cr':
          if (bytes[i] !== CR) return new HeadFault(400, 'a chunk longer than its size (RFC 9112 7.1)')
          this.#state = 'data-lf'
          i++
          break
        case 'data-lf':
          if (bytes[i] !== LF) return new HeadFault(400, SCAN_FAULTS[-3]!)
          i++
          this.#state = 'size'
          this.#digits = 0
          this.#extension = ''
          line = i
          whole = true
          if (this.#bare) run = i
          break
        case 'trailers':
          return this.#readTrailers(bytes, i, end)
        case 'done':
          return i
      }
    }
    if (this.#state === 'trailers') return i
    const isMidSize = this.#state === 'size' || this.#state === 'extension' || this.#state === 'size-lf'
    if (isMidSize) {
      // What has come of the size line is written anew when it is complete.
      if (whole && !this.#bare) flush(line)
    } else if (!this.#bare || this.#state === 'data') flush(i)
    return i
  }

  #readTrailers(bytes: Buffer, from: number, end: number): number | HeadFault {
    const before = this.#held?.length ?? 0
    const all = this.#held ? Buffer.concat([this.#held, bytes.subarray(from, end)]) : bytes
    const start = this.#held ? 0 : from
    const trailersEnd = scanFields(all, start, this.#held ? all.length : end, scan)
    if (trailersEnd === INCOMPLETE) {
      if (before + end - from > MAX_TRAILER_BYTES) return new HeadFault(431, 'trailers without end')
      this.#held = this.#held ? all : Buffer.from(bytes.subarray(from, end))
      return end
    }
    if (trailersEnd < 0) return new HeadFault(400, SCAN_FAULTS[trailersEnd]!)
    this.trailers = keptLines(all, scan, DROPPED, undefined)
    this.#held = undefined
    this.#state = 'done'
    return from + (trailersEnd - start) - before
  }
}

const scan = newFieldScan()
