import { randomBytes } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import type { Identity } from './identity.ts'

/** What access has found out about a request, and what its answer has still to tell the browser. */
export interface RequestState {
  identity?: Promise<Identity | undefined> | undefined
  /** Of the user behind `identity`; binds xsrf tokens to the login. */
  cookieId?: string | undefined
  /** Made during this request, overrides the cookie. */
  sessionId?: string | undefined
  sessionMustBeSet?: boolean
  loginMustBeCleared?: boolean
  xsrfToken?: string | undefined
}

/** On the request itself: a WeakMap with an entry for each is work for the garbage collector. */
const STATE = Symbol('access state')

export function stateOf(request: FastifyRequest & { [STATE]?: RequestState }): RequestState {
  request[STATE] ??= {}
  return request[STATE]
}

/** 32 hexadecimal digits, as JupyterHub's. */
export function newSessionId(): string {
  return randomBytes(16).toString('hex')
}
