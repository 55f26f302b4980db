import http from 'node:http'
import type { BenchRequest } from './sign-in.ts'

/** Sends requests over so many keep-alive connections, one after the other on each. Throws at an unexpected status. */
export async function sendRequests(
  url: string,
  requests: number,
  connections: number,
  make: (n: number) => BenchRequest,
): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections })
  let sent = 0
  const worker = async () => {
    while (sent < requests) await sendOne(url, agent, make(sent++))
  }
  try {
    await Promise.all(Array.from({ length: connections }, worker))
  } finally {
    agent.destroy()
  }
}

function sendOne(url: string, agent: http.Agent, { method, path, headers, body, expect }: BenchRequest): Promise<void> {
  const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
  return new Promise((resolve, reject) => {
    const request = http.request(url + path, { agent, method, headers: { ...headers, ...length } }, response => {
      if (response.statusCode === expect) {
        response.resume().on('end', resolve)
        return
      }
      response.setEncoding('utf8')
      let text = ''
      response.on('data', chunk => (text += chunk))
      response.on('end', () => {
        reject(
          new Error(`${method} ${url}${path} answered ${response.statusCode}, not ${expect}: ${text.slice(0, 500)}`),
        )
      })
    })
    request.on('error', reject).end(body)
  })
}
