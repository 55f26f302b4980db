/** Why systemd could not begin a unit, in words: systemd.exec(5), "Process Exit Codes". */
import type { ServerExit } from '../protocol.ts'
import { Refusal } from '../refusal.ts'

const PATHS = 'An administrator can look at the paths in the options of the spawner: each of them must be there.'
const STEPS: Readonly<Record<number, readonly [string, string]>> = {
  203: [
    'its first program cannot be run',
    'An administrator can look whether users may run the Python of the system and read the folder of Orrery.',
  ],
  216: ['its group is not known', 'An administrator can look whether the group of the user is there.'],
  217: ['its user is not known', 'An administrator can look whether the user is there.'],
  226: ['what it is to be shut off from cannot be made so', PATHS],
  238: ['the folder of its user cannot be made', 'An administrator can look at /var/lib and the space on its disk.'],
}

/** `unit` with its suffix; `exit`: how its first process ended, as far as that was written down in time. */
export function unitNotStarted(unit: string, { status }: ServerExit, cause: Error): Refusal {
  const [what, nextStep = `An administrator can look at what systemd says: journalctl -u '${unit}'.`] =
    (status !== undefined && STEPS[status]) || []
  const why = `${what === undefined ? '' : `: ${what}`}${status === undefined ? '' : ` (status ${status})`}`
  return new Refusal('unit_not_started', `systemd could not start the unit ${unit}${why}.`, nextStep, cause)
}

export function unitNameTaken(unit: string): Refusal {
  return new Refusal(
    'unit_name_taken',
    `This machine has a unit ${unit} of its own, so no server is started under that name.`,
    'An administrator can give units of servers another name: spawner.unitName.',
  )
}

export function systemdUnavailable(asRoot: boolean): Refusal {
  return new Refusal(
    'systemd_unavailable',
    asRoot
      ? 'Servers are to be units of systemd, which is not process 1 of this machine.'
      : 'Servers are to be units of systemd, which only root may start.',
    "Start Orrery as root on a machine that runs systemd, or take spawner: { kind: 'local' }.",
  )
}
