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

const states = new WeakMap<FastifyRequest, RequestState>()

export function stateOf(request: FastifyRequest): RequestState {
  const known = states.get(request)
  if (known) return known
  const fresh: RequestState = {}
  states.set(request, fresh)
  return fresh
}

/** 32 hexadecimal digits, as JupyterHub's. */
export function newSessionId(): string {
  return randomBytes(16).toString('hex')
}
