/** Options that a site gives as a function of its own: only config files of TypeScript or JavaScript can hold one. */
import { z } from 'zod'
import type { MaybePromise } from '../core/runtime.ts'
import type { UserRecord } from '../plugin/spawner.ts'

/** Called for one user, as often as the value is needed. */
export type OfUser<T> = (user: UserRecord) => MaybePromise<T>

/** Called for one server before it starts; the default server's name is empty. */
export type OfServer<T> = (user: UserRecord, server: string) => MaybePromise<T>

/** A function in a config. What it gives is checked where it is called. */
export function functionOf<F extends (...args: never[]) => unknown>() {
  return z
    .custom<F>(value => typeof value === 'function', {
      error: 'expected a function, in a config of TypeScript or JavaScript',
      abort: true,
    })
    .meta({ title: 'function' })
}
