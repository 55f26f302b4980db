import type { FastifyRequest } from 'fastify'

/** What the hub has seen of a probe: the answer of `/hub/probe/echo`. */
export interface Echo {
  /** Of the running Orrery. */
  readonly version: string
  readonly pid: number
  readonly method: string
  /** As it arrived, with its query. */
  readonly url: string
  /** Of whom the request is, as the hub's logs and limits have it. */
  readonly address: string
  /** Those that programs in front set or change; names in small letters. */
  readonly headers: Readonly<Record<string, string>>
  /** Bytes of the body. */
  readonly received: number
}

const TOLD = ['host', 'origin', 'via', 'x-forwarded-for', 'x-forwarded-host', 'x-forwarded-proto', 'x-orrery-long']

export function echoOf(request: FastifyRequest, version: string, received: number): Echo {
  const headers = TOLD.flatMap(name => {
    const value = request.headers[name]
    return value === undefined ? [] : [[name, String(value)]]
  })
  return {
    version,
    pid: process.pid,
    method: request.method,
    url: request.raw.url ?? '',
    address: request.ip,
    headers: Object.fromEntries(headers),
    received,
  }
}
