/** The rows of the table: what is measured, in which unit, and what the project wants to reach. */
import type { Program } from './programs.ts'

/** At most so many times what another program, or ours with another measure, took; or at most so much. */
export type Target =
  | { readonly times: number; readonly of: Program }
  | { readonly times: number; readonly ofMeasure: string }
  | { readonly atMost: number }

/** One figure of one program in one round. Figures of the same name make a row. */
export interface Figure {
  readonly measure: string
  readonly program: Program
  readonly value: number
}

export interface Settings {
  readonly rounds: number
  /** How much of each load is sent: 1 for steady figures. */
  readonly share: number
  wanted(measure: string): boolean
}

export const CONNECTIONS = 50

export const routesOf = (count: number) => Array.from({ length: count }, (_, i) => `/user/person-${i}/`)
export const pathsOf = (routes: readonly string[]) => routes.map(route => `${route}api/kernels?1765432100000`)

export const MEASURES: Readonly<Record<string, readonly Target[]>> = {
  'keep-alive GET, s per 10,000': [
    { times: 1.25, of: 'nginx' },
    { times: 0.25, of: 'configurable-http-proxy' },
  ],
  '1000 routes, s per 10,000': [{ times: 1.1, ofMeasure: 'keep-alive GET, s per 10,000' }],
  '10,000 routes, s per 10,000': [{ times: 1.1, ofMeasure: 'keep-alive GET, s per 10,000' }],
  'without keep-alive, s per 10,000': [
    { times: 2, of: 'nginx' },
    { times: 0.25, of: 'configurable-http-proxy' },
  ],
  '10 MB down, ms': [{ times: 1, of: 'nginx' }],
  '10 MB up, ms': [{ times: 1, of: 'nginx' }],
  'WebSocket echo, us a message': [{ times: 1.25, of: 'nginx' }],
  'p50 at half load, ms elapsed': [],
  'p99 at half load, ms elapsed': [{ times: 1.5, of: 'nginx' }],
  'start until it answers, ms elapsed': [{ atMost: 150 }],
  'idle memory, MB': [{ atMost: 60 }],
  'first 1000 requests, s per 10,000': [{ times: 3, ofMeasure: 'keep-alive GET, s per 10,000' }],
  '1000 idle WebSockets, KB each': [{ times: 0.5, of: 'configurable-http-proxy' }],
  'adding 1000 routes, ms': [{ times: 0.25, of: 'configurable-http-proxy' }],
}
