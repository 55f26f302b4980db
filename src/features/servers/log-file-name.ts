import type { ServerKey } from '../../core/server-key.ts'

/** `ada-gpu.log`: of signs that no header and no file system takes for anything else. */
export function logFileName({ user, server }: ServerKey): string {
  const name = [user, server].filter(Boolean).join('-')
  return `${name.replace(/[^A-Za-z0-9_-]+/g, '_').slice(0, 100)}.log`
}
