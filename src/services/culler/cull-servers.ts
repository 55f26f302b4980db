/** One look at all servers: asks those that may be due, and stops those that are. */
import { serverPath } from '../../core/names.ts'
import { activeServers, findServerById, type ServerRow } from '../../spawning/server-row.ts'
import { serverState } from '../../spawning/server-state.ts'
import { askStatus } from './ask-status.ts'
import { CULLER, eachOf, type Round, secondsSince } from './context.ts'
import { type Decision, decideServer, mayBeDue, type ServerReport } from './decide.ts'
import { groupsOfUsers } from './groups.ts'
import { type Limits, limitsOf } from './limits.ts'
import { ageReason, idleReason } from './reasons.ts'

const ANSWER_MS = 10_000
const TOKEN_SECONDS = 60
/** A stop that takes longer goes on by itself; until then it counts for `concurrency`. */
const STOP_MS = 60_000

export async function cullServers(round: Round): Promise<void> {
  const { database, settings, clock, log, signal } = round
  const servers = (await activeServers(database)).filter(server => isReady(round, server) && isMeant(round, server))
  const groups = await groupsOfUsers(database, settings)
  await eachOf(servers, { concurrency: settings.concurrency, signal }, async server => {
    const limits = limitsOf({ name: server.key.user, groups: groups.get(server.userId) ?? [] }, settings)
    if (!mayBeDue(secondsSince(server.started, clock.now()), limits)) return
    try {
      await cullServer(round, server, limits)
    } catch (error) {
      if (!signal.aborted) log.error({ ...server.key, err: error }, 'server could not be looked at; it is kept')
    }
  })
}

/** Pending ones are somebody else's work, and one that could not be stopped is tried again by the hub. */
function isReady({ baseUrl }: Round, server: ServerRow): boolean {
  return server.address !== undefined && serverState(server, baseUrl).phase === 'ready'
}

function isMeant({ settings }: Round, { key }: ServerRow): boolean {
  return key.server === '' ? settings.cullDefaultServers : settings.cullNamedServers
}

async function cullServer(round: Round, server: ServerRow, limits: Limits): Promise<void> {
  const { clock, log, trustsHub } = round
  const report = await reportOf(round, server)
  const now = clock.now()
  const decision = decideServer(
    {
      report,
      ageSeconds: secondsSince(server.started, now),
      hubIdleSeconds: trustsHub ? secondsSince(server.lastActivity, now) : undefined,
    },
    limits,
  )
  const evidence = { ...server.key, ...evidenceOf(report), lastActivity: server.lastActivity }
  if (decision.cull) await stop(round, server, decision, evidence)
  else if (report.kind === 'unclear') log.warn({ ...evidence, why: report.why }, 'server kept, its state is not clear')
  else log.debug({ ...evidence, rule: decision.keep }, 'server kept')
}

/** The token opens this server alone, for a minute at most. */
async function reportOf(round: Round, server: ServerRow): Promise<ServerReport> {
  const { access, baseUrl, clock, signal } = round
  const tls = round.tls?.connectTo(server.key)
  const { key, userId, address } = server
  const prefix = serverPath(key, baseUrl)
  const { token, id } = await access.issueToken({
    user: { id: userId },
    scopes: [`access:servers!server=${key.user}/${key.server}`],
    // Beginning like a server's own token: its use is no activity of the user, here and in JupyterHub.
    note: `Server at ${prefix} asked for its status`,
    expiresInSeconds: TOKEN_SECONDS,
    skipScopeCheck: true,
  })
  try {
    // `isReady` has seen the address.
    return await askStatus({
      address: address!,
      prefix,
      token,
      timeoutMs: ANSWER_MS,
      signal,
      tls,
      now: () => clock.now(),
    })
  } finally {
    await access.revokeToken(id)
  }
}

function evidenceOf(report: ServerReport) {
  if (report.kind !== 'status') return { report: report.kind }
  const { kernels, busy, connections, terminals, idleSeconds } = report
  return { kernels, busy, connections, terminals, idleSeconds: Math.round(idleSeconds) }
}

async function stop(
  round: Round,
  server: ServerRow,
  decision: Extract<Decision, { cull: string }>,
  evidence: object,
): Promise<void> {
  const { spawning, settings, log, signal } = round
  const { key } = server
  if ((await spawning.poll(key)) !== 'running') return
  if (signal.aborted || !(await isSameRun(round, server))) return
  const seconds = decision.cull === 'idle' ? { idleSeconds: Math.round(decision.idleSeconds) } : {}
  log.info({ ...evidence, ...seconds, rule: decision.cull, limitSeconds: decision.limitSeconds }, 'server culled')
  if (settings.removeNamedServers && key.server !== '') await spawning.remove(key, { by: CULLER })
  else await spawning.stop(key, { by: CULLER, reason: reasonOf(decision) })
  await spawning.settled(key, STOP_MS, signal)
}

/** It may have been stopped, or started anew, while it was asked. */
async function isSameRun(round: Round, server: ServerRow): Promise<boolean> {
  const latest = await findServerById(round.database, server.spawnerId)
  return latest !== undefined && isReady(round, latest) && latest.serverId === server.serverId
}

function reasonOf(decision: Extract<Decision, { cull: string }>) {
  return decision.cull === 'idle'
    ? idleReason(decision.idleSeconds, decision.limitSeconds)
    : ageReason(decision.ageSeconds, decision.limitSeconds)
}
