/**
 * Which bytes of a WebSocket are somebody's doing. Servers ping their clients (jupyter-server every half minute) and
 * browsers answer by themselves, so that a forgotten tab would keep a server alive for ever if pongs counted. Only frame
 * headers are read (RFC 6455 5.2): payloads are skipped by their length, whatever the chunks' limits are.
 */

/** Tells of the next chunk of one direction whether it holds any part of a text or binary message. */
export type FrameWatch = (chunk: Buffer) => boolean

/** @returns a watch for one direction of one connection; its chunks must come in order, from the first byte on */
export function watchFrames(): FrameWatch {
  const state: FrameState = { part: 'opcode', isData: false, masked: false, left: 0, length: 0 }
  return chunk => readFrames(state, chunk)
}

interface FrameState {
  /** What the next byte belongs to. */
  part: 'opcode' | 'length' | 'extended' | 'payload'
  isData: boolean
  masked: boolean
  /** Bytes that are left of this part. */
  left: number
  /** Payload length as far as it is read. */
  length: number
}

const MASK_BYTES = 4

function readFrames(state: FrameState, chunk: Buffer): boolean {
  let sawData = false
  let at = 0
  while (at < chunk.length) {
    if (state.part === 'payload') {
      const taken = Math.min(state.left, chunk.length - at)
      at += taken
      state.left -= taken
      sawData ||= state.isData
      if (state.left === 0) state.part = 'opcode'
      continue
    }
    if (state.part !== 'opcode') sawData ||= state.isData
    const byte = chunk[at++]!
    if (state.part === 'opcode') {
      state.isData = (byte & 0b1000) === 0 // opcodes from 8 on are control frames (RFC 6455 5.5)
      sawData ||= state.isData
      state.part = 'length'
    } else if (state.part === 'length') {
      state.masked = byte >= 0x80
      const short = byte & 0x7f
      state.length = short < 126 ? short : 0
      state.left = short < 126 ? 0 : short === 126 ? 2 : 8
      if (state.left > 0) state.part = 'extended'
      else beginPayload(state)
    } else {
      state.length = state.length * 256 + byte // exact up to 2^53, which no connection lives to see
      state.left--
      if (state.left === 0) beginPayload(state)
    }
  }
  return sawData
}

function beginPayload(state: FrameState): void {
  state.left = state.length + (state.masked ? MASK_BYTES : 0)
  state.part = state.left > 0 ? 'payload' : 'opcode'
}
