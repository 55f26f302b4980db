import { defineCheck, type Outcome, ok, skipped, warning } from '../check.ts'
import { runProgram } from '../run-program.ts'

export const clockCheck = defineCheck({
  id: 'clock',
  title: 'Clock',
  items: {
    synchronised: 'The clock of this machine is kept right by NTP: tokens, certificates and one-time codes go by it.',
    'time-zone': 'Which time zone logs and times of the day are in.',
  },
  async run({ now }, signal) {
    return [await synchronised(signal), timeZone(now())]
  },
})

/** timedatectl(1) asks the kernel (adjtimex), whichever program keeps the clock. */
async function synchronised(signal: AbortSignal): Promise<Outcome<'synchronised'>> {
  const { status, stdout } = await runProgram(['timedatectl', 'show', '--property=NTPSynchronized', '--value'], {
    as: undefined,
    signal,
  })
  if (status !== 0)
    return skipped('synchronised', 'Whether the clock is kept right is not known here (no timedatectl, or no systemd).')
  if (stdout.trim() === 'yes') return ok('synchronised', 'The clock is kept right by NTP.')
  return warning('synchronised', 'The clock is not kept right by NTP.', 'timedatectl set-ntp true; or install chrony.')
}

function timeZone(now: Date): Outcome<'time-zone'> {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions()
  return ok('time-zone', `It is ${now.toISOString()}, the time zone is ${timeZone}.`, { time_zone: timeZone })
}
