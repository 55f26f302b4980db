import { readdir, readFile, readlink } from 'node:fs/promises'
import { isIPv6 } from 'node:net'

interface Listener {
  readonly address: string
  readonly port: number
  readonly inode: string
}

const LISTEN = '0A'

/** Inodes of the sockets that take a connection to this address: those bound to it, else those bound to all. */
export async function listeningInodes(ip: string, port: number): Promise<string[]> {
  const listeners = (await allListeners()).filter(listener => listener.port === port)
  const wanted = canonical(ip)
  const exact = listeners.filter(listener => listener.address === wanted)
  const wide = listeners.filter(listener => listener.address === '*' || (listener.address === '*4' && !isIPv6(wanted)))
  return (exact.length > 0 ? exact : wide).map(listener => listener.inode)
}

/** Does one of these processes hold this socket open? Processes that end meanwhile hold nothing. */
export async function holdsAny(pid: number, inodes: ReadonlySet<string>): Promise<boolean> {
  const folder = `/proc/${pid}/fd`
  const descriptors = await readdir(folder).catch(() => [])
  const links = await Promise.all(descriptors.map(fd => readlink(`${folder}/${fd}`).catch(() => '')))
  return links.some(link => inodes.has(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? ''))
}

async function allListeners(): Promise<Listener[]> {
  const tables = await Promise.all(
    ['/proc/net/tcp', '/proc/net/tcp6'].map(path => readFile(path, 'utf8').catch(() => '')),
  )
  return tables.flatMap(table => table.split('\n').slice(1)).flatMap(parseLine)
}

function parseLine(line: string): Listener[] {
  const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
  if (!local || state !== LISTEN || !inode) return []
  const [address, port] = local.split(':')
  if (!address || !port) return []
  return [{ address: decodeAddress(address), port: Number.parseInt(port, 16), inode }]
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
