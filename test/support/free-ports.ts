import { portOffice } from '../../src/launcher/processes/free-port.ts'

const next = portOffice()

/**
 * Ports that are free now, for programs that must be told theirs; each is given once by this process. The kernel gives
 * them to nobody meanwhile, as it may those of its own range: to a connection, or to whoever listens on port 0.
 */
export function freePorts(count: number): Promise<number[]> {
  return Promise.all(Array.from({ length: count }, () => next('127.0.0.1')))
}
