/** Small requests over bare sockets: cheaper than the proxies that are measured, and every answer is checked. */
import net, { type Socket } from 'node:net'
import { SMALL_BODY } from '../upstream.ts'

export interface SmallLoad {
  readonly port: number
  /** Asked for in turn. */
  readonly paths: readonly string[]
  readonly requests: number
  readonly connections: number
  /** Each request over a connection of its own. */
  readonly close?: boolean
}

export async function sendSmallRequests({ port, paths, requests, connections, close }: SmallLoad): Promise<void> {
  const heads = paths.map(path => smallRequest(path, close))
  let sent = 0
  const next = () => (sent < requests ? heads[sent++ % heads.length] : undefined)
  const worker = close ? () => askAnew(port, next) : () => askAgain(port, next)
  await Promise.all(Array.from({ length: connections }, worker))
}

/** What a browser sends, shortened. */
export function smallRequest(path: string, close = false): Buffer {
  return Buffer.from(
    [
      `GET ${path} HTTP/1.1`,
      'Host: hub.example.org',
      'User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
      'Accept: application/json',
      'Accept-Language: en-US,en;q=0.5',
      'Cookie: _xsrf=2|7586b241|47c876d965112a2f547c63c95cbc44b1|1402910163; session=0123456789abcdef',
      close ? 'Connection: close' : 'Connection: keep-alive',
      '\r\n',
    ].join('\r\n'),
  )
}

/** True when an answer is whole; throws when it is not the right one. */
export function isSmallAnswer(text: string): boolean {
  if (!text.startsWith('HTTP/1.1 200 ')) throw new Error(`answered ${JSON.stringify(text.slice(0, 200))}`)
  if (!text.endsWith(SMALL_BODY)) return false
  if (text.length !== text.indexOf('\r\n\r\n') + 4 + SMALL_BODY.length) throw new Error(`answered ${text}`)
  return true
}

function askAgain(port: number, next: () => Buffer | undefined): Promise<void> {
  return exchange(port, (socket, finish) => {
    let text = ''
    const ask = () => {
      const request = next()
      if (request) socket.write(request)
      else finish()
    }
    socket.on('connect', ask)
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (!isSmallAnswer(text)) return
      text = ''
      ask()
    })
  })
}

async function askAnew(port: number, next: () => Buffer | undefined): Promise<void> {
  for (let request = next(); request; request = next()) {
    const once = request
    await exchange(port, (socket, finish) => {
      let text = ''
      socket.write(once)
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
      })
      socket.on('end', () => {
        if (!isSmallAnswer(text)) throw new Error(`cut off: ${text}`)
        finish()
      })
    })
  }
}

/** One connection; whatever is thrown by its listeners, and its early end, fails it. */
export function exchange(port: number, talk: (socket: Socket, finish: () => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    let finished = false
    socket.on('error', reject)
    socket.on('close', () => {
      if (!finished) reject(new Error('the proxy closed the connection'))
    })
    talk(socket, () => {
      finished = true
      socket.destroy()
      resolve()
    })
  })
}
