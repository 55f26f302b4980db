import type { preHandlerAsyncHookHandler } from 'fastify'
import type { Operation } from '../http/operation.ts'
import type { Access } from './access.ts'
import { requireScope, type TargetOf } from './guards.ts'

/** Route options of a declared endpoint: its guard asks for one of the scopes that the document names. */
export function scoped(
  access: Access,
  operation: Operation & { readonly scopes: readonly string[] },
  targetOf?: TargetOf,
): { config: { operation: Operation }; preHandler: preHandlerAsyncHookHandler } {
  const { scopes, filtered = false } = operation
  return { config: { operation }, preHandler: requireScope(access, scopes, targetOf, { filtered }) }
}
