/**
 * Why servers do not start, or end by themselves: for each code what the person can do who wanted the server, and, apart,
 * what an administrator can do. The sentence that says what happened is told by whoever saw it. Every code here is provoked
 * for real in `test/integration/server-reasons.test.ts`.
 */
import type { Reason } from './reason.ts'

export interface ReasonAdvice {
  /** For somebody who only wants to work. */
  readonly person: string
  /** For somebody with a terminal on the machine of the hub. Markdown code spans. */
  readonly administrator: string
}

const AGAIN = 'Start it again; if it fails again, tell your administrator.'
const TELL = 'Tell your administrator; only they can mend this.'
const LOG = 'The last lines of its log tell more; show them to your administrator if they do not help you.'
const ENVIRONMENT =
  'Install `jupyterhub` and `jupyterlab` into the Python environment that `servers.cmd` names, and try it there as the user.'

export const SERVER_REASONS = {
  // Not enough of something.
  out_of_memory: {
    person:
      'Start it again and use less memory at a time, choose a kind of server with more, or ask for a larger limit.',
    administrator:
      'Raise `servers.memLimit`, or offer a profile with more. `dmesg -T | grep -i oom` and `free -m` tell whether it was the limit of the server or the memory of the machine.',
  },
  disk_full: {
    person: 'Delete files that you do not need, or ask your administrator for more room.',
    administrator: '`df -h` and `df -i` on the home folder, and `quota -u USER`, tell what is full.',
  },
  too_many_servers: {
    person: 'Wait until somebody stops a server, then start yours.',
    administrator: '`servers.activeServerLimit` sets how many run at a time; the culler (`culler`) stops idle ones.',
  },
  too_many_starts: {
    person: 'Wait a minute, then start it again.',
    administrator:
      '`servers.concurrentSpawnLimit` sets how many start at a time; raise it when the machine has time left.',
  },
  too_many_named_servers: {
    person: 'Delete a server that you do not need any more, then add the new one.',
    administrator: '`servers.namedServerLimitPerUser` sets how many a person may have.',
  },

  // The person's home.
  home_missing: {
    person: TELL,
    administrator:
      'Make the folder (`mkhomedir_helper USER`), let PAM make it at sign-in (`pam_mkhomedir`), or see whether a disk with homes is not mounted.',
  },
  home_not_readable: {
    person: TELL,
    administrator:
      '`namei -l HOME` shows which folder on the way may not be entered; give the home to its user and leave `x` for others above it.',
  },
  home_not_writable: {
    person: TELL,
    administrator:
      'Give the folder to its user: `chown USER: HOME && chmod u+rwx HOME`; or the disk is mounted read-only.',
  },
  directory_missing: {
    person: 'Make the folder, if it is yours to make; else tell your administrator.',
    administrator: '`servers.notebookDir` names a folder that this user does not have or may not enter.',
  },
  file_not_permitted: {
    person: 'Correct the owner and the permissions of that file or folder, or ask your administrator to.',
    administrator:
      'Often a `sudo pip` or `sudo jupyter` has left files of root in the home: `find HOME -not -user USER`.',
  },
  linux_user_missing: {
    person: TELL,
    administrator:
      'Add the Linux user, or keep accounts apart from those of the machine: `spawner: local({ accounts: "own" })`.',
  },
  shell_disabled: {
    person: TELL,
    administrator: 'The user may not log in to this machine; `chsh -s /bin/bash USER` permits it.',
  },

  // The program.
  command_not_found: { person: TELL, administrator: `${ENVIRONMENT} Or correct \`servers.cmd\`.` },
  command_not_executable: {
    person: TELL,
    administrator:
      '`namei -l PROGRAM` shows what the user may not enter or run; environments below `/root` or a home are of no use to others.',
  },
  interpreter_missing: {
    person: TELL,
    administrator:
      'The first line of the program names a Python that is gone or closed to users: make the environment anew.',
  },
  singleuser_missing: { person: TELL, administrator: ENVIRONMENT },
  python_module_missing: { person: TELL, administrator: ENVIRONMENT },
  singleuser_too_old: {
    person: TELL,
    administrator: 'Upgrade it where servers run: `pip install --upgrade "jupyterhub>=4"` in their environment.',
  },
  exited_early: {
    person: LOG,
    administrator:
      'Its log has the reason, nearly always in the last error; run `servers.cmd` as the user with `--debug`. Settings of the user break it, too: `servers.disableUserConfig` leaves them out.',
  },

  // Addresses.
  port_taken: {
    person: 'Start it again: it gets another port.',
    administrator:
      '`ss -ltnp` shows which program has the port; with a fixed `servers.port` only one server fits on an address.',
  },
  address_taken: {
    person: AGAIN,
    administrator:
      '`ss -ltnp` shows which program listens where the server should be; it is not the one that was started.',
  },
  hub_unreachable: {
    person: TELL,
    administrator:
      'From where servers run, `curl -i HUB/hub/api/` must answer, with HUB as in the log. Set `hub.connectUrl` to an address that is reachable from there, and look at firewalls.',
  },
  server_without_tls: {
    person: TELL,
    administrator: 'The spawner has to place the certificates of `internalTls`; or turn that off.',
  },

  // Time.
  spawn_timeout: {
    person: AGAIN,
    administrator:
      'Slow disks and homes, and a machine with too much to do, are usual: `servers.startTimeout` gives it longer, `uptime` and `iostat` tell what is slow.',
  },
  http_timeout: {
    person: LOG,
    administrator:
      'The process runs. Its log tells what it waits for; `servers.httpTimeout` gives it longer. Nothing listening: it is still importing, or listens elsewhere.',
  },
  hook_timeout: {
    person: AGAIN,
    administrator:
      'The hook `beforeStart`, or what the authenticator does before a start, takes longer than `servers.startTimeout`.',
  },

  // What runs it.
  launcher_unreachable: {
    person: 'Wait a few seconds, then start it again.',
    administrator: 'The launcher is started again by itself; `log/launcher.log` in the data folder tells why it ended.',
  },
  launcher_timeout: {
    person: AGAIN,
    administrator:
      'The machine is overloaded, or a disk does not answer: `uptime`, `dmesg -T | tail`, `log/launcher.log`.',
  },
  hub_restarted: {
    person: 'Start it again.',
    administrator: 'The hub ended while this server was starting; see `log/hub.log`.',
  },
  spawn_error: {
    person: AGAIN,
    administrator: 'A fault of the spawner or of a hook: the log of the hub has the stack.',
  },
  stop_failed: {
    person: 'Stop it again; if that does not help, tell your administrator.',
    administrator: 'A process in state `D` (`ps -o pid,stat,wchan,cmd -u USER`) waits for a disk that does not answer.',
  },

  // After it ran.
  server_died: {
    person: LOG,
    administrator:
      'Ended by SIGKILL, it was the memory (`dmesg -T | grep -i oom`) or somebody with root; else its log tells.',
  },
  server_shut_down: {
    person: 'Start it again.',
    administrator: 'The person ended it from JupyterLab, or an idle time-out of its own did.',
  },
  node_lost: {
    person: 'Start it again.',
    administrator: 'The machine that it ran on went away; look there, or at the scheduler.',
  },
} as const satisfies Record<string, ReasonAdvice>

export type ServerReasonCode = keyof typeof SERVER_REASONS

/** `message`: what happened, in one sentence. */
export function serverReason(code: ServerReasonCode, message: string): Reason {
  return { code, message, nextStep: SERVER_REASONS[code].person }
}

/** Undefined for codes that are not of the table: refusals of a hook, say, or a server that somebody stopped. */
export function adviceFor(code: string): ReasonAdvice | undefined {
  return Object.hasOwn(SERVER_REASONS, code) ? SERVER_REASONS[code as ServerReasonCode] : undefined // just looked
}

/** Whoever told the reason: the next step is one for the person. */
export function withPersonsStep(reason: Reason): Reason {
  const advice = adviceFor(reason.code)
  return advice ? { ...reason, nextStep: advice.person } : reason
}
