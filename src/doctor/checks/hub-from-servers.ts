import { environmentSettings } from '../../app/hub/hub-settings.ts'
import { HubError } from '../../core/errors.ts'
import { defineCheck, failure, type Outcome, ok, type Site, skipped, warning } from '../check.ts'
import { isEveryAddress, LOOPBACK_HOST } from '../local-addresses.ts'
import { type OrdinaryUser, ordinaryUser } from '../ordinary-user.ts'
import { lastLine, runProgram } from '../run-program.ts'
import { findServerProgram } from '../server-program.ts'

type Item = 'reachable' | 'proxy-variables' | 'address'

export const hubFromServersCheck = defineCheck({
  id: 'hub-from-servers',
  title: 'The hub as servers reach it',
  timeoutMs: 40_000,
  items: {
    address: 'The address that servers are given leads to this machine from where they run.',
    reachable:
      "A process of an ordinary user, with the servers' Python, asks the hub's API at that address. Takes an Orrery that runs.",
    'proxy-variables': '`http_proxy` and the like, where servers get them, spare the hub (`no_proxy`).',
  },
  async run(site, signal) {
    const { hubUrl, baseUrl } = environmentSettings(site.config, site.env)
    const url = `${hubUrl}${baseUrl}hub/api`
    const told = address(hubUrl, site)
    if (told?.level === 'failure') return [told]
    const program = programOf(site)
    if (program === undefined) {
      return [
        ...(told ? [told] : []),
        skipped(
          'reachable',
          'There is no Python of servers on this machine to ask with.',
          'See the check environment.',
        ),
      ]
    }
    const user = await ordinaryUser(site, signal)
    const direct = await ask(program, url, {}, user, signal)
    const outcome = reachable(url, direct, user, site)
    const outcomes: Outcome<Item>[] = [...(told ? [told] : []), outcome]
    const variables = proxyVariables(site)
    if (outcome.level === 'ok' && Object.keys(variables).length > 0) {
      outcomes.push(spared(url, await ask(program, url, variables, user, signal), variables))
    }
    return outcomes
  },
})

function address(hubUrl: string, { config }: Site): Outcome<'address'> | undefined {
  const { hostname } = new URL(hubUrl)
  const next = 'Set hub.bindUrl to an address that servers reach, and hub.connectUrl to it.'
  if (isEveryAddress(hostname))
    return failure('address', `Servers are told ${hubUrl}, which is no address to connect to.`, next)
  if (!('kind' in config.spawner) && LOOPBACK_HOST.test(hostname)) {
    return warning(
      'address',
      `Servers are told ${hubUrl}, which works on this machine alone, and the spawner is not Orrery's own.`,
      next,
    )
  }
  return undefined
}

const QUESTION = `
import json, ssl, sys, urllib.error, urllib.request
context = ssl._create_unverified_context()
handlers = [urllib.request.HTTPSHandler(context=context)]
if sys.argv[2] == "direct":
    handlers.append(urllib.request.ProxyHandler({}))
try:
    with urllib.request.build_opener(*handlers).open(sys.argv[1], timeout=8) as answer:
        found = {"status": answer.status, "body": answer.read(500).decode("utf-8", "replace")}
except urllib.error.HTTPError as error:
    found = {"status": error.code, "body": error.read(500).decode("utf-8", "replace")}
except Exception as error:
    reason = getattr(error, "reason", error)
    found = {"fault": str(reason)[:200], "tls": isinstance(reason, ssl.SSLError)}
print(json.dumps(found))
`

type Answer = { readonly status: number; readonly body: string } | { readonly fault: string; readonly tls: boolean }

async function ask(
  python: string,
  url: string,
  variables: Record<string, string>,
  { owner }: OrdinaryUser,
  signal: AbortSignal,
): Promise<Answer> {
  const how = Object.keys(variables).length === 0 ? 'direct' : 'as-told'
  const { status, stdout, stderr, fault } = await runProgram([python, '-I', '-c', QUESTION, url, how], {
    as: owner,
    env: variables,
    signal,
  })
  if (status === 0) return JSON.parse(stdout) as Answer // printed by the program above
  return { fault: fault ?? lastLine(stderr), tls: false }
}

function reachable(
  url: string,
  answer: Answer,
  { name }: OrdinaryUser,
  { config, supervisor }: Site,
): Outcome<'reachable'> {
  if ('status' in answer) {
    if (answer.status === 200 && /"version"/.test(answer.body))
      return ok(
        'reachable',
        `${name} reaches the hub at ${url}.`.replace(/^./, letter => letter.toUpperCase()),
      )
    return failure(
      'reachable',
      `Something else than the hub answers at ${url} (status ${answer.status}).`,
      'Correct hub.connectUrl or servers.hubConnectUrl.',
    )
  }
  // With internal TLS the hub lets nobody in without a certificate, which only servers are given.
  if (answer.tls && config.internalTls.enabled) return ok('reachable', `${url} answers, with internal TLS.`)
  if (supervisor === undefined)
    return skipped('reachable', `Nothing answers at ${url}: Orrery does not run.`, 'Start Orrery and look again.')
  return failure(
    'reachable',
    `Servers do not reach the hub at ${url}: ${answer.fault}.`,
    `Does ${new URL(url).hostname} lead to where the hub listens (${config.hub.bindUrl}), by IPv4 as by IPv6, and does a firewall let it through? Set hub.bindUrl and hub.connectUrl to an address, rather than to a name.`,
  )
}

/** As servers are given them. What a function of the site would add is not known here. */
function proxyVariables({ config, env }: Site): Record<string, string> {
  const { environment, envKeep } = config.servers
  const given: [string, string | undefined][] = [
    ...envKeep.map((name): [string, string | undefined] => [name, env[name]]),
    ...Object.entries(environment).map(([name, value]): [string, string | undefined] => [
      name,
      typeof value === 'string' ? value : undefined,
    ]),
  ]
  return Object.fromEntries(
    given.filter((each): each is [string, string] => /^(https?|all|no)_proxy$/i.test(each[0]) && each[1] !== undefined),
  )
}

function spared(url: string, answer: Answer, variables: Record<string, string>): Outcome<'proxy-variables'> {
  const names = Object.keys(variables).join(', ')
  const { hostname } = new URL(url)
  if ('status' in answer && answer.status === 200 && /"version"/.test(answer.body))
    return ok('proxy-variables', `The hub is reached with ${names}, too.`)
  return warning(
    'proxy-variables',
    `Servers get ${names}, and whatever heeds them asks another machine for the hub.`,
    `Add ${hostname} to no_proxy, in the same place.`,
  )
}

function programOf(site: Site): string | undefined {
  try {
    return findServerProgram(site)?.python ?? undefined
  } catch (error) {
    if (error instanceof HubError) return undefined // told by the check of the environment
    throw error
  }
}
