import type { Reason } from './reason.ts'

/** What a server is doing, as pages, API and event stream tell it. */
export type ServerState =
  | { phase: 'stopped'; reason?: Reason; since?: Date }
  | { phase: 'spawning'; since: Date; percent: number; message: string }
  | { phase: 'ready'; since: Date; url: string }
  | { phase: 'stopping'; since: Date }
  | { phase: 'failed'; since: Date; reason: Reason }

export type ServerPhase = ServerState['phase']

/** One line of a start's story. The last one is `ready` or `failed`. JupyterHub's progress events carry the same. */
export interface ProgressEvent {
  /** Grows within one server; the event stream uses it as its id. */
  id: number
  at: Date
  /** 0 to 100. */
  percent: number
  message: string
  htmlMessage?: string
  rawEvent?: unknown
  ready?: boolean
  failed?: boolean
  reason?: Reason
}
