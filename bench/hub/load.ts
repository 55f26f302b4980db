import http from 'node:http'
import type { BenchRequest } from './sign-in.ts'

/** One request, or several of which one asks for what another has answered. */
export type BenchWork = BenchRequest | ((send: Send) => Promise<void>)
export type Send = (request: BenchRequest) => Promise<Answer>

export interface Answer {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly body: string
}

/** Does work over so many keep-alive connections, one after the other on each. Throws at an unexpected status. */
export async function sendRequests(
  url: string,
  requests: number,
  connections: number,
  make: (n: number) => BenchWork,
): Promise<void> {
  await withSender(url, connections, async send => {
    let sent = 0
    const worker = async () => {
      while (sent < requests) {
        const work = make(sent++)
        await (typeof work === 'function' ? work(send) : send(work))
      }
    }
    await Promise.all(Array.from({ length: connections }, worker))
  })
}

export async function withSender(url: string, connections: number, use: (send: Send) => Promise<void>): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections })
  try {
    await use(request => sendOne(url, agent, request))
  } finally {
    agent.destroy()
  }
}

function sendOne(url: string, agent: http.Agent, request: BenchRequest): Promise<Answer> {
  const { method, path, body, expect } = request
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const sent = http.request(url + path, { agent, method, headers: { ...request.headers, ...length } }, response => {
      response.setEncoding('utf8')
      let text = ''
      response.on('data', chunk => (text += chunk))
      response.on('end', () => {
        const { statusCode: status = 0, headers } = response
        if ([expect].flat().includes(status)) resolve({ status, headers, body: text })
        else {
          const answer = `${status}, not ${expect}: ${text.slice(0, 500)}`
          reject(new Error(`${method} ${url}${path} answered ${answer}`))
        }
      })
    })
    sent.on('error', reject).end(body)
  })
}
