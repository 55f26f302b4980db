/** Starts servers as transient units of systemd: the place of a forker, for one server at a time. */
import { randomBytes } from 'node:crypto'
import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../core/runtime.ts'
import type { ChildOrder, ChildReport, ForkedProcess } from '../forking/forker.ts'
import { FORKER_FLAGS, FORKER_PROGRAM } from '../forking/forker-python.ts'
import type { KeptForker } from '../forking/forkers.ts'
import { oneAtATime } from '../one-at-a-time.ts'
import { isRoot } from '../options.ts'
import { privateDirectory } from '../private-directory.ts'
import { findProcess } from '../processes/process-info.ts'
import type { ServerExit } from '../protocol.ts'
import { Refusal } from '../refusal.ts'
import { asCredentials } from './dynamic-user.ts'
import { openOrderDoor } from './order-door.ts'
import { hasSystemd, showUnit, stopUnit, systemdRun } from './systemd-tools.ts'
import { unitEnds } from './unit-ends.ts'
import { systemdUnavailable, unitNameTaken, unitNotStarted } from './unit-faults.ts'
import { unitNameOf } from './unit-name.ts'
import { type UnitWishes, unitProperties } from './unit-properties.ts'
import type { UnitSettings } from './unit-settings.ts'

/** What is remembered of a run besides its process. */
export interface StartedUnit {
  /** With its suffix: `jupyter-ada.service`. */
  readonly name: string
  /** Names this run among all of the unit. */
  readonly run: string
}

export interface UnitRunner {
  /** Starts one server. `tls`: the variables that name its files, which the unit may see elsewhere. */
  runnerFor(
    wishes: Omit<UnitWishes, 'credentials'>,
    tls?: Readonly<Record<string, string>>,
  ): Pick<KeptForker, 'fork'> & { readonly tlsVariables: Readonly<Record<string, string>> | undefined }
  /** How a run ends, or has ended; never rejects. */
  endOf(unit: StartedUnit, process: { readonly pid: number; readonly startTime: string }): Promise<ServerExit>
  /** Ends a unit and waits until nothing is left of it. */
  stop(name: string): Promise<void>
  /** The main process of a unit that another program has started; undefined when none runs. */
  findProcess(name: string): Promise<number | undefined>
  nameOf(key: UnitWishes['key']): string
  close(): void
}

export interface UnitRunnerOptions {
  readonly settings: UnitSettings
  readonly stateDir: string
  /** Path of a Python that nobody but root can change. */
  python(): Promise<string>
  readonly log: Logger
}

/** After a unit has failed to begin: until it is written down how. */
const EXPLAINED_WITHIN_MS = 5_000

/** Throws Refusal `systemd_unavailable` where there is none, or not with the rights to use it. */
export function unitRunner({ settings, stateDir, python, log }: UnitRunnerOptions): UnitRunner {
  if (!isRoot() || !hasSystemd()) throw systemdUnavailable(isRoot())
  const folder = privateDirectory(join(stateDir, 'units'))
  for (const file of readdirSync(folder)) if (file.endsWith('.sock')) rmSync(join(folder, file))
  const ends = unitEnds(folder)
  const inTurn = oneAtATime()
  const nameOf = (key: UnitWishes['key']) => `${unitNameOf(key, settings.name)}.service`

  async function start(order: ChildOrder, wishes: UnitWishes): Promise<ForkedProcess> {
    const program = [await python(), ...FORKER_FLAGS, FORKER_PROGRAM]
    const unit = { name: nameOf(wishes.key), run: randomBytes(12).toString('hex') }
    const channel = join(folder, `${unit.run}.sock`)
    const files = { channel, log: order.log, atEnd: [...program, 'unit-ended', ends.fileOf(unit.run)] }
    const properties = unitProperties(wishes, files, settings).map(property => `--property=${property}`)
    const flags = [`--description=${describe(wishes)}`, `--slice=${settings.slice}`, ...properties]
    using door = await openOrderDoor(channel)
    const [visitor] = await Promise.all([door.visitor, beginInTurn(unit, flags, [...program, 'unit'], wishes)]).catch(
      async error => {
        // One that has come although systemd gave up on it.
        void door.visitor.then(
          ({ drop }) => drop(),
          () => {},
        )
        throw error instanceof Refusal ? error : unitNotStarted(unit.name, await soonEndOf(unit), error)
      },
    )
    const { pid, go, drop } = visitor
    visitor.give(order)
    const failed: ChildReport = { ok: false, code: 'unit_not_started', detail: unit.name }
    return {
      pid,
      unit,
      report: visitor.report.then(report => report ?? failed),
      ended: ends.of(unit.run, { pid, startTime: findProcess(pid)?.startTime ?? '' }),
      go,
      drop,
    }
  }

  /**
   * systemd sets up the folder of a user that it makes up for each unit anew. Two at once of one user have failed together
   * once, on a busy machine; a thousand more have not, so the cause is not known. In turn it costs nobody else anything.
   */
  function beginInTurn(...how: Parameters<typeof begin>): Promise<void> {
    const { runAs } = how[3]
    return runAs.switchUser ? begin(...how) : inTurn(runAs.name, () => begin(...how))
  }

  /** In the place of a unit of that name that nobody knows of any more. */
  async function begin(
    unit: StartedUnit,
    flags: readonly string[],
    command: readonly string[],
    { key }: UnitWishes,
  ): Promise<void> {
    try {
      await systemdRun(unit.name, flags, command)
    } catch (error) {
      if (!/already loaded|already exists|fragment file/.test(String((error as Error).message))) throw error
      await makeRoom(unit.name, key)
      await systemdRun(unit.name, flags, command)
    }
  }

  async function makeRoom(name: string, key: UnitWishes['key']): Promise<void> {
    const { Transient, ActiveState } = await showUnit(name, 'Transient', 'ActiveState')
    if (Transient !== 'yes') throw unitNameTaken(name)
    if (ActiveState === 'active') log.warn({ ...key, unit: name }, 'ending a unit that is not known')
    await stopUnit(name)
  }

  /** Of a unit that has failed to begin: it is written down in a moment, if at all. */
  function soonEndOf({ run }: StartedUnit): Promise<ServerExit> {
    const gone = { pid: 0, startTime: findProcess(process.pid)!.startTime } // this process is there
    return Promise.race([ends.of(run, gone), sleep(EXPLAINED_WITHIN_MS, {} as ServerExit)])
  }

  return {
    runnerFor(wishes, tls) {
      const { credentials, variables } = asCredentials(wishes.runAs, nameOf(wishes.key), tls)
      return { fork: order => start(order, { ...wishes, credentials }), tlsVariables: variables }
    },
    endOf: (unit, process) => ends.of(unit.run, process),
    stop: stopUnit,
    async findProcess(name) {
      const { MainPID } = await showUnit(name, 'MainPID')
      return Number(MainPID) || undefined
    },
    nameOf,
    close: ends.close,
  }
}

function describe({ key }: UnitWishes): string {
  return key.server === '' ? `Jupyter server of ${key.user}` : `Jupyter server ${key.server} of ${key.user}`
}
