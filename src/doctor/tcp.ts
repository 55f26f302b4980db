/** Plain questions to an address: does somebody listen, what do they answer. */

import { connect } from 'node:net'
import { http, https } from '../http/node-http.ts'

/** Undefined when somebody accepts the connection, else the system's code (`ECONNREFUSED`) or `ETIMEDOUT`. */
export function connectionFault(host: string, port: number, timeoutMs = 3_000): Promise<string | undefined> {
  return new Promise(resolve => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const end = (fault: string | undefined) => {
      socket.destroy()
      resolve(fault)
    }
    socket.once('connect', () => end(undefined))
    socket.once('timeout', () => end('ETIMEDOUT'))
    socket.once('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message))
  })
}

/** Status of a GET, whatever the certificate. Rejects with the system's error. */
export function statusOf(
  url: string,
  headers: Record<string, string>,
  timeoutMs = 5_000,
): Promise<{ status: number; body: string }> {
  const { request } = url.startsWith('https:') ? https : http
  return new Promise((resolve, reject) => {
    const asked = request(url, { headers, rejectUnauthorized: false, agent: false, timeout: timeoutMs }, answer => {
      let body = ''
      answer.setEncoding('utf8')
      answer.on('data', chunk => (body += chunk.slice(0, 10_000)))
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body }))
      answer.on('error', reject)
    })
    asked.on('timeout', () => asked.destroy(Object.assign(new Error('timed out'), { code: 'ETIMEDOUT' })))
    asked.on('error', reject)
    asked.end()
  })
}
