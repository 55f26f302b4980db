import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'

/** Python that has the released `jupyterhub` installed. */
const PYTHON = process.env.ORRERY_TEST_JUPYTERHUB_PYTHON

/** For `describe(..., { skip })`: why there is no comparison, or false. */
export const withoutJupyterHub: string | false = PYTHON
  ? false
  : 'compares with the released JupyterHub: set ORRERY_TEST_JUPYTERHUB_PYTHON to a Python that has it installed'

export function jupyterHubPython(): string {
  if (!PYTHON) throw new Error(String(withoutJupyterHub))
  return PYTHON
}

/** The released JupyterHub's own functions, in a child process that lives as long as the test. */
export interface JupyterHubOracle {
  call<Value>(name: string, ...args: unknown[]): Promise<Value>
  close(): void
}

/** `python`: default the one of the environment; see `withoutJupyterHub`. */
export function startOracle(python = jupyterHubPython()): JupyterHubOracle {
  const child: ChildProcessByStdio<Writable, Readable, null> = spawn(
    python,
    [join(import.meta.dirname, 'jupyterhub_oracle.py')],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  )
  const waiting: PromiseWithResolvers<unknown>[] = []
  createInterface({ input: child.stdout }).on('line', line => {
    const answer = JSON.parse(line) as { value?: unknown; error?: string } // written by jupyterhub_oracle.py
    const call = waiting.shift()
    if (answer.error === undefined) call?.resolve(answer.value)
    else call?.reject(new Error(answer.error))
  })
  child.on('exit', status => {
    for (const call of waiting) call.reject(new Error(`the oracle ended with status ${status}`))
  })
  return {
    call<Value>(name: string, ...args: unknown[]) {
      const call = Promise.withResolvers<unknown>()
      waiting.push(call)
      child.stdin.write(`${JSON.stringify({ name, args })}\n`)
      return call.promise as Promise<Value> // the caller knows what the named function returns
    },
    close: () => child.stdin.end(),
  }
}
