import { createHash } from 'node:crypto'
import { isIPv6 } from 'node:net'
import type { ThrottleLimits } from './throttle.ts'

/** What tries are counted of: a name, an address, a key of a plug-in's own. */
export interface Subject {
  readonly key: string
  readonly limit: number
}

export function nameSubject(name: string, limits: ThrottleLimits): Subject {
  return { key: subjectKey('name', name), limit: limits.failures }
}

/** IPv6: the whole /64, which one person is given. */
export function addressSubject(address: string, limits: ThrottleLimits): Subject {
  return { key: subjectKey('address', network(address)), limit: limits.addressFailures ?? limits.failures * 4 }
}

export function pluginSubject(key: string, limits: ThrottleLimits): Subject {
  return { key: subjectKey('plugin', key), limit: limits.failures }
}

function subjectKey(kind: string, text: string): string {
  const plain = `${kind}:${text}`
  if (text.length <= 255 && /^[\x21-\x7e]+$/.test(text)) return plain
  return `${kind}-sha256:${createHash('sha256').update(text).digest('hex')}`
}

function network(address: string): string {
  if (!isIPv6(address)) return address
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)
  if (mapped) return mapped[1]!
  const [head = '', tail = ''] = address.split('%')[0]!.split('::')
  const start = head === '' ? [] : head.split(':')
  const end = tail === '' ? [] : tail.split(':')
  const full = address.includes('::')
    ? [...start, ...Array(Math.max(0, 8 - start.length - end.length)).fill('0'), ...end]
    : start
  return `${full
    .slice(0, 4)
    .map(group => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`
}
