/** Bodies of 10 MB, one after the other over one connection; every byte is compared. */
import { LARGE_BODY, LARGE_BYTES } from '../upstream.ts'
import { exchange, isSmallAnswer } from './requests.ts'

export function download(port: number, path: string, times: number): Promise<void> {
  const request = `GET ${path}/down HTTP/1.1\r\nHost: hub.example.org\r\n\r\n`
  return exchange(port, (socket, finish) => {
    let left = times
    let head = ''
    let received = -1 // of the body; -1: its head has not ended
    socket.write(request)
    socket.on('data', (chunk: Buffer) => {
      let body = chunk
      if (received === -1) {
        head += chunk.toString('latin1')
        const end = head.indexOf('\r\n\r\n')
        if (end === -1) return
        if (!head.startsWith('HTTP/1.1 200 ')) throw new Error(`answered ${head.slice(0, 200)}`)
        body = chunk.subarray(chunk.length - (head.length - end - 4))
        received = 0
        head = ''
      }
      if (!body.equals(LARGE_BODY.subarray(received, received + body.length))) throw new Error('wrong bytes came down')
      received += body.length
      if (received < LARGE_BYTES) return
      received = -1
      if (--left === 0) finish()
      else socket.write(request)
    })
  })
}

export function upload(port: number, path: string, times: number): Promise<void> {
  const head = `POST ${path}/up HTTP/1.1\r\nHost: hub.example.org\r\nContent-Length: ${LARGE_BYTES}\r\n\r\n`
  return exchange(port, (socket, finish) => {
    let left = times
    let text = ''
    const send = () => {
      socket.write(head)
      socket.write(LARGE_BODY)
    }
    socket.on('connect', send)
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (!isSmallAnswer(text)) return
      text = ''
      if (--left === 0) finish()
      else send()
    })
  })
}
