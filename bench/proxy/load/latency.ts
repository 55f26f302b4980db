/**
 * How long answers take while requests come at a steady rate. Time counts from the moment a request is due, so one that
 * waits because the proxy is behind counts as late, too.
 */
import net, { type Socket } from 'node:net'
import { isSmallAnswer, smallRequest } from './requests.ts'

const CONNECTIONS = 100

export interface Latency {
  readonly p50Ms: number
  readonly p99Ms: number
}

export async function measureLatency(port: number, path: string, perSecond: number, seconds: number): Promise<Latency> {
  const request = smallRequest(path)
  const total = Math.round(perSecond * seconds)
  const times: number[] = []
  const waiting: number[] = [] // when those were due that found no connection free
  const due = new Map<Socket, number>()
  const free: Socket[] = []
  const sockets = await Promise.all(Array.from({ length: CONNECTIONS }, () => connect(port)))
  await new Promise<void>((resolve, reject) => {
    const send = (socket: Socket, at: number) => {
      due.set(socket, at)
      socket.write(request)
    }
    for (const socket of sockets) {
      let text = ''
      socket.on('error', reject)
      socket.on('close', () => reject(new Error('the proxy closed the connection')))
      socket.on('data', (chunk: Buffer) => {
        text += chunk.toString('latin1')
        if (!isSmallAnswer(text)) return
        text = ''
        times.push(performance.now() - due.get(socket)!)
        const next = waiting.shift()
        if (next === undefined) free.push(socket)
        else send(socket, next)
        if (times.length === total) resolve()
      })
      free.push(socket)
    }
    const start = performance.now()
    let sent = 0
    const timer = setInterval(() => {
      const now = performance.now()
      while (sent < total && start + (sent / perSecond) * 1000 <= now) {
        const at = start + (sent++ / perSecond) * 1000
        const socket = free.pop()
        if (socket) send(socket, at)
        else waiting.push(at)
      }
      if (sent === total) clearInterval(timer)
    }, 1)
  })
  for (const socket of sockets) socket.removeAllListeners('close').destroy()
  times.sort((a, b) => a - b)
  return { p50Ms: times[Math.floor(total * 0.5)]!, p99Ms: times[Math.floor(total * 0.99)]! }
}

function connect(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true }, () => {
      socket.off('error', reject)
      resolve(socket)
    })
    socket.once('error', reject)
  })
}
