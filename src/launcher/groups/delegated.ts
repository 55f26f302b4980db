import { createRequire } from 'node:module'
import type Koffi from 'koffi'

let getxattr: ReturnType<ReturnType<typeof Koffi.load>['func']> | undefined

/** Its native code is loaded when it is first asked for: the helper of the sudo spawner never does. */
function openGetxattr() {
  const koffi = createRequire(import.meta.url)('koffi') as typeof Koffi // of that name
  return koffi.load(null).func('getxattr', 'int64_t', ['str', 'str', koffi.out(koffi.pointer('uint8_t')), 'size_t'])
}

/**
 * Has systemd left what is below this group to us? It marks such a group with an attribute, see systemd.resource-control(5),
 * `Delegate=`; everywhere else it takes the groups of its tree for its own.
 */
export function isDelegated(folder: string): boolean {
  getxattr ??= openGetxattr()
  const read = getxattr
  return ['trusted.delegate', 'user.delegate'].some(name => {
    const value = [0]
    return read(folder, name, value, value.length) === 1 && value[0] === '1'.charCodeAt(0)
  })
}
