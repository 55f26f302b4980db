import { BlockList, isIP } from 'node:net'

/**
 * Which hops may say whose request they forward. The hub listens for its own proxy, so a direct peer on loopback is
 * believed; further hops are believed only when the operator named them (`trustedDownstreamIps`, addresses or CIDR
 * ranges). Loopback is not believed further out: any process of the machine can connect to the proxy from there.
 */
export function trustedHops(trusted: readonly string[]): (address: string, hop: number) => boolean {
  const named = blockListOf(trusted)
  return (address, hop) => {
    const plain = address.startsWith('::ffff:') ? address.slice('::ffff:'.length) : address
    const family = isIP(plain) === 6 ? 'ipv6' : 'ipv4'
    if (isIP(plain) === 0) return false
    return (hop === 0 && LOOPBACK.check(plain, family)) || named.check(plain, family)
  }
}

const LOOPBACK = blockListOf(['127.0.0.0/8', '::1'])

function blockListOf(entries: readonly string[]): BlockList {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', bits] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (bits === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(bits), family)
  }
  return list
}
