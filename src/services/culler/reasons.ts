/** What people are told of a server that was stopped by the rules. */
import type { Reason } from '../../core/reason.ts'

export function idleReason(idleSeconds: number, limitSeconds: number): Reason {
  return {
    code: 'culled_idle',
    message: `The server was stopped because nothing was done on it for ${inWords(idleSeconds)}; the limit is ${inWords(limitSeconds)}.`,
    nextStep: 'Start it again.',
  }
}

export function ageReason(ageSeconds: number, limitSeconds: number): Reason {
  return {
    code: 'culled_age',
    message: `The server was stopped because it ran for ${inWords(ageSeconds)}; the limit is ${inWords(limitSeconds)}.`,
    nextStep: 'Start it again.',
  }
}

/** `45 seconds`, `1 hour 30 minutes`, `2 days 3 hours`: the two largest units. */
export function inWords(seconds: number): string {
  const rounded = Math.max(0, Math.floor(seconds))
  const first = UNITS.find(([, size]) => rounded >= size) ?? UNITS.at(-1)!
  const second = UNITS[UNITS.indexOf(first) + 1]
  const parts = [counted(Math.floor(rounded / first[1]), first[0])]
  const rest = second ? Math.floor((rounded % first[1]) / second[1]) : 0
  if (second && rest > 0) parts.push(counted(rest, second[0]))
  return parts.join(' ')
}

const UNITS: readonly (readonly [name: string, seconds: number])[] = [
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
  ['second', 1],
]

function counted(count: number, unit: string): string {
  return `${count} ${unit}${count === 1 ? '' : 's'}`
}
