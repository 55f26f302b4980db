import type { Socket } from 'node:net'
import koffi from 'koffi'

/** Who opened a Unix socket, as the kernel noted it when the connection was made. */
export interface PeerCredentials {
  readonly pid: number
  readonly uid: number
  readonly gid: number
}

const SOL_SOCKET = 1
const SO_PEERCRED = 17
const UCRED_BYTES = 12

const libc = koffi.load(null)
const ucred = koffi.struct('orrery_ucred', { pid: 'int32_t', uid: 'uint32_t', gid: 'uint32_t' })
const getsockopt = libc.func('getsockopt', 'int', [
  'int',
  'int',
  'int',
  koffi.out(koffi.pointer(ucred)),
  koffi.inout(koffi.pointer('uint32_t')),
])

/** socket(7), SO_PEERCRED. Throws when the kernel does not tell: such a connection must not be served. */
export function peerCredentials(socket: Socket): PeerCredentials {
  // Node has no public way to a socket's descriptor; the handle is what its own cluster module uses.
  const fd = (socket as unknown as { _handle?: { fd?: number } })._handle?.fd
  if (fd === undefined || fd < 0) throw new Error('the socket has no descriptor')
  const credentials = {} as PeerCredentials
  const length = [UCRED_BYTES]
  const failed = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, credentials, length)
  if (failed !== 0 || length[0] !== UCRED_BYTES) throw new Error('the kernel did not tell who is connected')
  return credentials
}
