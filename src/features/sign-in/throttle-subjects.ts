import { createHash } from 'node:crypto'
import { networkOf } from '../../core/network-of.ts'
import type { ThrottleLimits } from './throttle.ts'

/** What tries are counted of: a name, an address, a key of a plug-in's own. */
export interface Subject {
  readonly key: string
  readonly limit: number
}

/** How the keys of subjects begin; what was counted under one is never taken for another. */
export type SubjectKind = 'name' | 'address' | 'plugin' | 'token-address' | 'code-user' | 'code-address'

export function nameSubject(name: string, limits: ThrottleLimits): Subject {
  return { key: subjectKey('name', name), limit: limits.failures }
}

export function addressSubject(address: string, limits: ThrottleLimits): Subject {
  return { key: subjectKey('address', networkOf(address)), limit: limits.addressFailures }
}

export function pluginSubject(key: string, limit: number): Subject {
  return { key: subjectKey('plugin', key), limit }
}

/** Tries of an address that have a limit of their own. */
export function addressSubjectOf(kind: 'token-address' | 'code-address', address: string, limit: number): Subject {
  return { key: subjectKey(kind, networkOf(address)), limit }
}

export function codeUserSubject(user: string, limit: number): Subject {
  return { key: subjectKey('code-user', user), limit }
}

function subjectKey(kind: SubjectKind, text: string): string {
  const isPlain = text.length <= 255 && /^[\x21-\x7e]+$/.test(text) && !text.startsWith('sha256:')
  return `${kind}:${isPlain ? text : `sha256:${createHash('sha256').update(text).digest('hex')}`}`
}
