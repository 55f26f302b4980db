/** Runs code in a kernel of a Jupyter server, as a notebook in a browser does: REST API, then one WebSocket that stays. */
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { HttpSession } from './http-session.ts'
import { until } from './until.ts'

export interface Kernel {
  readonly id: string
  /** What the code printed. Throws with the traceback when it fails. `answer`: what it gets from `input()`. */
  run(code: string, answer?: string): Promise<string>
  /** Whether the WebSocket is still the one that was opened at the start. */
  isConnected(): boolean
  close(): void
}

/**
 * @param serverUrl with the base path of the server, without a slash at the end: `http://127.0.0.1:8000/user/ada`
 * @param options headers that each request carries, how it connects (`ca` for TLS), and the kernel's name; `id`: of a kernel that
 * runs already
 */
export async function startKernel(
  serverUrl: string,
  token: string,
  options: { headers?: Record<string, string>; socket?: { ca?: string | Buffer }; name?: string; id?: string } = {},
): Promise<Kernel> {
  const headers = { ...options.headers, authorization: `token ${token}` }
  const id = options.id ?? (await newKernel())
  const session = randomUUID()
  const url = `${serverUrl.replace(/^http/, 'ws')}/api/kernels/${id}/channels?session_id=${session}`
  const socket = new WebSocket(url, { ...options.socket, headers })
  const received: KernelMessage[] = []
  socket.on('message', data => received.push(JSON.parse(data.toString()) as KernelMessage))
  socket.on('error', () => {}) // seen by its state
  await once(socket, 'open')

  async function newKernel(): Promise<string> {
    const body = JSON.stringify({ name: options.name })
    const rest = new HttpSession(serverUrl, options.socket)
    const made = await rest.once(`${serverUrl}/api/kernels`, { method: 'POST', headers, body })
    if (made.status !== 201) throw new Error(`no kernel: ${made.status} ${await made.text()}`)
    return ((await made.json()) as { id: string }).id
  }

  const answered = new Set<KernelMessage>()
  function reply(asked: KernelMessage, value: string): void {
    if (answered.has(asked)) return
    answered.add(asked)
    const header = { msg_id: randomUUID(), session, username: 'test', msg_type: 'input_reply', version: '5.3' }
    const { header: parent_header } = asked
    socket.send(JSON.stringify({ header, parent_header, metadata: {}, content: { value }, channel: 'stdin' }))
  }

  return {
    id,
    async run(code, answer) {
      const id = randomUUID()
      const header = { msg_id: id, session, username: 'test', msg_type: 'execute_request', version: '5.3' }
      const content = {
        code,
        silent: false,
        store_history: false,
        user_expressions: {},
        allow_stdin: answer !== undefined,
      }
      socket.send(JSON.stringify({ header, parent_header: {}, metadata: {}, content, channel: 'shell' }))
      const mine = () => received.filter(({ parent_header: parent }) => parent.msg_id === id)
      // "idle" follows all output of the request; the reply comes over another channel, in any order.
      await until(
        'the kernel is done',
        () => {
          if (socket.readyState !== WebSocket.OPEN) throw new Error('the WebSocket is closed')
          const asked = mine().find(({ msg_type: type }) => type === 'input_request')
          if (asked && answer !== undefined) reply(asked, answer)
          return mine().some(({ msg_type: type, content }) => type === 'status' && content.execution_state === 'idle')
        },
        60_000,
      )
      const failed = mine().find(({ msg_type: type }) => type === 'error')
      if (failed) throw new Error(failed.content.traceback?.join('\n'))
      return mine()
        .filter(({ msg_type: type }) => type === 'stream')
        .map(({ content }) => content.text)
        .join('')
    },
    isConnected: () => socket.readyState === WebSocket.OPEN,
    close: () => socket.terminate(),
  }
}

interface KernelMessage {
  readonly msg_type: string
  readonly header: object
  readonly parent_header: { readonly msg_id?: string }
  readonly content: { readonly execution_state?: string; readonly text?: string; readonly traceback?: string[] }
}
