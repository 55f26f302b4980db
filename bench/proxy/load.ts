/** Load from this process: keep-alive requests and WebSocket echoes, a fixed number over a fixed number of connections. */
import http from 'node:http'
import { WebSocket } from 'ws'

export async function getManyTimes(url: string, requests: number, connections: number): Promise<void> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections })
  let left = requests
  const one = () =>
    new Promise<void>((resolve, reject) => {
      http
        .get(url, { agent }, res => {
          if (res.statusCode !== 200) reject(new Error(`${url} answered ${res.statusCode}`))
          res.resume().on('end', resolve)
        })
        .on('error', reject)
    })
  const worker = async () => {
    while (left-- > 0) await one()
  }
  await Promise.all(Array.from({ length: connections }, worker))
  agent.destroy()
}

export async function echoManyTimes(url: string, messages: number, connections: number): Promise<void> {
  const payload = Buffer.alloc(100, 'x')
  const each = Math.ceil(messages / connections)
  const one = () =>
    new Promise<void>((resolve, reject) => {
      const socket = new WebSocket(url, { perMessageDeflate: false })
      let left = each
      socket.on('open', () => socket.send(payload))
      socket.on('message', () => {
        if (--left > 0) return socket.send(payload)
        socket.close()
      })
      socket.on('close', resolve)
      socket.on('error', reject)
    })
  await Promise.all(Array.from({ length: connections }, one))
}
