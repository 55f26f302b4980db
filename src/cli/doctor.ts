/** `orrery doctor`: looks at an installation, changes nothing, and says what is not as it should be. */
import { Command, InvalidArgumentError } from 'commander'
import { packageVersion } from '../app/package-root.ts'
import { duration } from '../config/values.ts'
import { ALL_CHECKS } from '../doctor/all-checks.ts'
import { chosenChecks, examine } from '../doctor/examine.ts'
import { findingsText, summaryText } from '../doctor/findings-text.ts'
import { reportOf } from '../features/doctor/report.ts'
import { type ConfigFlags, configSources, withConfigFlags } from './config-flags.ts'
import { EXIT_CODES } from './exit-codes.ts'

interface DoctorFlags extends ConfigFlags {
  readonly json?: boolean
  readonly url?: string
  readonly idle?: number
  readonly user?: string
}

/** Exit status: 0 without failures, whatever the warnings; 1 with some. */
export function doctorCommand(): Command {
  const command = new Command('doctor')
    .description('look at the installation and say what is not as it should be; changes nothing')
    .argument('[check...]', `which checks (default: all): ${ALL_CHECKS.map(({ id }) => id).join(', ')}`)
    .option('--url <address>', 'public address to try things through (default: publicUrl of the config)', parseUrl)
    .option('--idle <duration>', 'also leave a WebSocket silent for so long: 90, 10m', parseIdle)
    .option('--user <name>', 'Linux user to try things as that servers do, when root (default: one without any rights)')
    .option('--json', 'print an object')
  return withConfigFlags(command).action(run)
}

async function run(only: readonly string[], flags: DoctorFlags): Promise<void> {
  const sources = configSources(flags)
  const asked = { env: process.env, user: flags.user, publicUrl: flags.url, idleSeconds: flags.idle }
  const findings = await examine({ sources, only, ...asked })
  const report = reportOf(findings, { version: packageVersion, at: new Date() })
  if (flags.json) console.log(JSON.stringify(report, undefined, 2))
  else {
    const text = findingsText(chosenChecks(only), findings, { colours: process.stdout.isTTY === true })
    console.log(`${text}\n\n${summaryText(report)}`)
  }
  if (!report.ok) process.exitCode = EXIT_CODES.failure.status
}

function parseUrl(text: string): string {
  const url = URL.parse(text)
  if (url && /^https?:$/.test(url.protocol)) return url.href
  throw new InvalidArgumentError('expected an http or https URL.')
}

/** The hub ends what stays longer. */
const MOST_IDLE_SECONDS = 840

function parseIdle(text: string): number {
  const { success, data } = duration.safeParse(text)
  if (success && data > 0 && data <= MOST_IDLE_SECONDS) return data
  throw new InvalidArgumentError('expected up to 14m, as in 90 or 10m.')
}
