/** A notebook without a browser: one kernel, whose cells run for as long as the test says. */
import assert from 'node:assert/strict'
import { type Kernel, startKernel } from '../kernel.ts'
import { until } from '../until.ts'

export interface OpenNotebook {
  /** Returns when a cell runs, which goes on until `finish`. */
  begin(): Promise<void>
  /** Lets the cell come to its end; what it printed, by the connection that there was when it began. */
  finish(): Promise<string>
  /** The same for a connection that is gone: by another one to the same kernel. */
  finishAnew(): Promise<string>
  close(): void
}

/** @param serverUrl `http://127.0.0.1:8000/user/ada` */
export async function openNotebook(serverUrl: string, token: string): Promise<OpenNotebook> {
  let kernel: Kernel = await startKernel(serverUrl, token)
  await kernel.run('import os, time\nfinished = 0')
  let cell: Promise<string> | undefined
  let number = 0

  /** Files of the server, beside which the kernel works. */
  function contents(name: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${serverUrl}/api/contents/${name}`, { ...init, headers: { authorization: `token ${token}` } })
  }

  async function letFinish(): Promise<void> {
    const body = JSON.stringify({ type: 'file', format: 'text', content: '' })
    const { status } = await until('the server takes a file', async () => {
      const answer = await contents(`go-on-${number}`, { method: 'PUT', body })
      return answer.status < 500 && answer
    })
    assert.equal(status, 201)
  }

  return {
    async begin() {
      number++
      const lines = [
        `open('begun-${number}', 'w').close()`,
        `while not os.path.exists('go-on-${number}'): time.sleep(0.02)`,
        'finished += 1',
        `print('finished', finished)`,
      ]
      cell = kernel.run(lines.join('\n'))
      cell.catch(() => {}) // looked at in `finish`
      await until('the cell runs', async () => (await contents(`begun-${number}`)).status === 200)
    },
    async finish() {
      assert.ok(kernel.isConnected(), 'the WebSocket is the one of before')
      await letFinish()
      return cell!
    },
    async finishAnew() {
      await until('the former connection is gone', () => !kernel.isConnected())
      await letFinish()
      const { id } = kernel
      kernel = await until('the kernel is reached', () => startKernel(serverUrl, token, { id }))
      return kernel.run(`print('finished', finished)`)
    },
    close: () => kernel.close(),
  }
}
