/** Run by `prepare-pki.ts` as the hub's user: reads settings from standard input, answers on standard output. */
import { json } from 'node:stream/consumers'
import { HubError } from '../../core/errors.ts'
import { systemClock } from '../../core/runtime.ts'
import { type PkiChange, type PkiSettings, preparePki } from '../../pki/internal/change-pki.ts'

export interface PkiAnswer {
  readonly changes?: PkiChange[]
  readonly fault?: { readonly code: string; readonly message: string; readonly nextStep?: string }
}

process.stdout.write(JSON.stringify(await answer()))

async function answer(): Promise<PkiAnswer> {
  const settings = (await json(process.stdin)) as Omit<PkiSettings, 'clock'> // written by prepare-pki.ts alone
  try {
    return { changes: await preparePki({ ...settings, clock: systemClock }) }
  } catch (error) {
    if (!(error instanceof HubError)) throw error
    const { code, message, nextStep } = error
    return { fault: { code, message, ...(nextStep !== undefined && { nextStep }) } }
  }
}
