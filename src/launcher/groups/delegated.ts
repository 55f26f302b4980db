import koffi from 'koffi'

const getxattr = koffi
  .load(null)
  .func('getxattr', 'int64_t', ['str', 'str', koffi.out(koffi.pointer('uint8_t')), 'size_t'])

/**
 * Has systemd left what is below this group to us? It marks such a group with an attribute, see systemd.resource-control(5),
 * `Delegate=`; everywhere else it takes the groups of its tree for its own.
 */
export function isDelegated(folder: string): boolean {
  return ['trusted.delegate', 'user.delegate'].some(name => {
    const value = [0]
    return getxattr(folder, name, value, value.length) === 1 && value[0] === '1'.charCodeAt(0)
  })
}
