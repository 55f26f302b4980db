/**
 * Entry of the short-lived process that talks to PAM once: reads one order from its standard input, writes one report
 * to its standard output. The password is in neither its arguments nor its environment.
 */
import { readFileSync, writeSync } from 'node:fs'
import { openPam } from './pam-library.ts'

export interface PamOrder {
  readonly action: 'authenticate' | 'open' | 'close'
  readonly name: string
  readonly password: string
  readonly service: string
  readonly checkAccount: boolean
  /** Address of the browser, told to modules as the remote host. */
  readonly address: string
}

export interface PamReport {
  /** 0, a code of Linux-PAM, or -1 when there was no answer. */
  readonly code: number
  readonly stage: 'setup' | 'authenticate' | 'account' | 'session'
  /** PAM's own words. */
  readonly message: string
}

const order = JSON.parse(readFileSync(0, 'utf8')) as PamOrder // written by pam.ts alone
writeSync(1, JSON.stringify(talk(order)))

function talk({ action, name, password, service, checkAccount, address }: PamOrder): PamReport {
  const pam = openPam({ service, name, password, address })
  const report = (code: number, stage: PamReport['stage']) => ({ code, stage, message: pam.explain(code) })
  try {
    if (pam.started !== 0) return report(pam.started, 'setup')
    if (action !== 'authenticate') return report(action === 'open' ? pam.openSession() : pam.closeSession(), 'session')
    const authenticated = pam.authenticate()
    if (authenticated !== 0) return report(authenticated, 'authenticate')
    if (!checkAccount) return report(0, 'authenticate')
    return report(pam.checkAccount(), 'account')
  } finally {
    pam.end()
  }
}
