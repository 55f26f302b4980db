import { closeSync, openSync, readFileSync, readSync } from 'node:fs'
import { readdir, readlink } from 'node:fs/promises'
import { isIPv6 } from 'node:net'
import { sharedLook } from './shared-look.ts'

export interface Listener {
  readonly address: string
  readonly port: number
  readonly inode: string
  /** Who made the socket. */
  readonly uid: number
}

/** The state behind both addresses; those of IPv6 have 32 digits. */
const LISTENING = /^\s*\d+: \w+:\w{4} \w+:\w{4} 0A /

/** What listens on this machine at one moment. */
export interface SocketTable {
  /** Does anything listen on this port, whatever the address? */
  has(port: number): boolean
  /** The sockets that take a connection to this address: those bound to it, else those bound to all. */
  listenersAt(ip: string, port: number): Listener[]
}

/** A table that is read after the call, for all who ask at the same time. */
export const socketsSoon: () => Promise<SocketTable> = sharedLook(readSockets)

/** Does this process hold the socket open? `unknown` where its descriptors may not be looked at. */
export async function holdsSocket(pid: number, inode: string): Promise<'yes' | 'no' | 'unknown'> {
  const folder = `/proc/${pid}/fd`
  try {
    const descriptors = await readdir(folder)
    const links = await Promise.all(descriptors.map(fd => readlink(`${folder}/${fd}`).catch(passOver)))
    return links.includes(`socket:[${inode}]`) ? 'yes' : 'no'
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    // A container's root often lacks CAP_SYS_PTRACE, without which other users' descriptors are closed to it.
    return code === 'EACCES' || code === 'EPERM' ? 'unknown' : 'no'
  }
}

/** A descriptor that was closed meanwhile. */
function passOver(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return ''
  throw error
}

function readSockets(): SocketTable {
  const lines = new Map<number, string[]>()
  const keep = (line: string) => {
    const port = portIn(line)
    const before = lines.get(port)
    if (before) before.push(line)
    else lines.set(port, [line])
  }
  readListening('/proc/net/tcp', keep)
  if (hasSocketsOfIpv6()) readListening('/proc/net/tcp6', keep)
  return {
    has: port => lines.has(port),
    listenersAt(ip, port) {
      const listeners = (lines.get(port) ?? []).map(parseLine).filter(listener => listener !== undefined)
      const wanted = canonical(ip)
      const exact = listeners.filter(listener => listener.address === wanted)
      const isWide = ({ address }: Listener) => address === '*' || (address === '*4' && !isIPv6(wanted))
      return exact.length > 0 ? exact : listeners.filter(isWide)
    },
  }
}

/** Where there are none the kernel would look for them in all its buckets. */
function hasSocketsOfIpv6(): boolean {
  try {
    return !/^TCP6: inuse 0$/m.test(readFileSync('/proc/net/sockstat6', 'utf8'))
  } catch {
    return true
  }
}

/**
 * Some lines. To fill a larger buffer the kernel would walk through all its buckets for connections, a quarter of a million
 * on a machine with some memory, which takes longer than everything else here.
 */
const CHUNK_BYTES = 1024

/** The kernel prints what listens first, so connections, of which there may be thousands, are not read. */
function readListening(path: string, each: (line: string) => void): void {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch {
    return // a kernel without IPv6
  }
  try {
    const chunk = Buffer.alloc(CHUNK_BYTES)
    let rest = ''
    for (let heading = true; ; ) {
      const bytes = readSync(fd, chunk)
      const lines = (rest + chunk.toString('latin1', 0, bytes)).split('\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (heading) heading = false
        else if (LISTENING.test(line)) each(line)
        else return
      }
      if (bytes === 0) return
    }
  } finally {
    closeSync(fd)
  }
}

/** Of the local address, the first in the line: `0: 0100007F:1F40 00000000:0000 0A ...`. */
function portIn(line: string): number {
  const at = line.indexOf(':', line.indexOf(':') + 1) + 1
  return Number.parseInt(line.slice(at, at + 4), 16)
}

function parseLine(line: string): Listener | undefined {
  const [, local, , , , , , uid, , inode] = line.trim().split(/\s+/)
  if (!local || !inode) return undefined
  const [address, port] = local.split(':')
  if (!address || !port) return undefined
  return { address: decodeAddress(address), port: Number.parseInt(port, 16), inode, uid: Number(uid) }
}

/** The kernel prints addresses as 32-bit words in the machine's byte order; all machines of ours are little-endian. */
function decodeAddress(hex: string): string {
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap(word => (word.match(/../g) ?? []).reverse())
  const numbers = bytes.map(byte => Number.parseInt(byte, 16))
  if (numbers.every(number => number === 0)) return numbers.length === 4 ? '*4' : '*'
  if (numbers.length === 4) return numbers.join('.')
  if (numbers.slice(0, 10).every(number => number === 0) && numbers[10] === 255) return numbers.slice(12).join('.')
  const groups = Array.from({ length: 8 }, (_, at) => ((numbers[at * 2]! << 8) | numbers[at * 2 + 1]!).toString(16))
  return canonical(groups.join(':'))
}

function canonical(ip: string): string {
  if (!isIPv6(ip)) return ip
  const text = new URL(`http://[${ip}]`).hostname.slice(1, -1)
  return text
}
