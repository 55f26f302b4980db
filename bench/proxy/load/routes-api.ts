/** Routes over the REST API of configurable-http-proxy, which ours has, too. */
import { API_TOKEN } from '../programs.ts'
import { exchange } from './requests.ts'

/** JupyterHub has up to ten of these requests under way. */
const CONNECTIONS = 10

export async function changeRoutes(
  method: 'POST' | 'DELETE',
  apiPort: number,
  routes: readonly string[],
  target: string,
): Promise<void> {
  const body = method === 'POST' ? JSON.stringify({ target, user: 'bench', jupyterhub: true }) : ''
  const wanted = method === 'POST' ? 'HTTP/1.1 201 ' : 'HTTP/1.1 204 '
  let sent = 0
  const worker = () =>
    exchange(apiPort, (socket, finish) => {
      let text = ''
      const ask = () => {
        const route = routes[sent++]
        if (route === undefined) return finish()
        const length = body === '' ? '' : `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`
        socket.write(
          `${method} /api/routes${route} HTTP/1.1\r\nHost: h\r\nAuthorization: token ${API_TOKEN}\r\n${length}\r\n${body}`,
        )
      }
      socket.on('connect', ask)
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
        const end = text.indexOf('\r\n\r\n')
        if (end === -1) return
        if (!text.startsWith(wanted)) throw new Error(`${method} of a route was answered ${text}`)
        // Both answer without a body: an empty chunked one, a length of 0, or nothing.
        if (/\r\ntransfer-encoding: chunked/i.test(text) && !text.endsWith('0\r\n\r\n')) return
        text = ''
        ask()
      })
    })
  await Promise.all(Array.from({ length: Math.min(CONNECTIONS, routes.length) }, worker))
}
