/** What a program in front makes of the head of a request: host, scheme, address, path. */
import { listenOf } from '../../app/ports.ts'
import { trustedHops } from '../../http/client-address.ts'
import { failure, type Outcome, ok, type Site, warning } from '../check.ts'
import type { FrontAnswer } from './front-client.ts'
import { echoIn, type Reached } from './reach.ts'
import { type Front, nameOf, remedyFor } from './remedies.ts'

/** RFC 5737: an address that nobody has. */
const NOBODYS_ADDRESS = '192.0.2.77'

export function hostOutcome({ client, echo }: Reached, front: Front | undefined): Outcome<'host'> {
  const wanted = client.url.host
  const { host = '' } = echo.headers
  if (host === wanted) return ok('host', `Host arrives as people type it: ${host}.`)
  return failure(
    'host',
    `Orrery is told the host ${host}, and people type ${wanted}: notebooks refuse their WebSockets, logins fail.`,
    remedyFor('host', front),
    { host, wanted },
  )
}

export function schemeOutcome({ client, echo }: Reached, front: Front | undefined): Outcome<'scheme'> {
  const wanted = client.url.protocol.slice(0, -1)
  const proto = echo.headers['x-forwarded-proto']?.split(',')[0]?.trim() ?? ''
  if (proto === wanted) return ok('scheme', `Orrery is told that people come by ${wanted}.`)
  return warning(
    'scheme',
    `Orrery is told that people come by ${proto || 'nothing'}, and they come by ${wanted}.`,
    remedyFor('scheme', front),
    { proto, wanted },
  )
}

/**
 * A request that claims to come from nobody's address. Each program in front appends whom it has the request from, and
 * Orrery's proxy, which comes last, appends the program in front.
 */
export async function addressOutcome(
  { client }: Reached,
  front: Front | undefined,
  site: Site,
): Promise<Outcome<'address'>> {
  const answer = await client.ask('echo', { headers: { 'x-forwarded-for': NOBODYS_ADDRESS } })
  const echo = echoIn(answer)
  if (!echo)
    return failure(
      'address',
      `A request with X-Forwarded-For is refused (status ${answer.status}).`,
      remedyFor('address', front),
    )
  const listed = (echo.headers['x-forwarded-for'] ?? '').split(',').map(text => text.trim())
  const details = { address: echo.address, forwarded_for: listed }
  const last = listed.at(-1) ?? ''
  const isDirect = front === undefined && last === answer.from && leadsToOwnPort(client.url, site)
  // Asked from an address that is trusted itself, which is appended all the same; or at the port of the proxy itself.
  const isAppended = listed.at(-2) !== NOBODYS_ADDRESS || isDirect
  if (echo.address === NOBODYS_ADDRESS && !isAppended) {
    return failure(
      'address',
      'Whoever sends X-Forwarded-For chooses the address that is logged, and limits of failed sign-ins do not hold.',
      `Name in trustedDownstreamIps no address that people come from (now: ${site.config.trustedDownstreamIps.join(', ')}), and: ${remedyFor('address', front)}`,
      details,
    )
  }
  const told = listed.length > 2 || (listed.length === 2 && listed[0] !== NOBODYS_ADDRESS)
  // Asked from the address of the program in front itself, only the config tells whether that is believed.
  const isBelieved = echo.address !== last || (listed.at(-2) === last && isTrusted(last, site))
  if (told && !isBelieved) {
    return warning(
      'address',
      `Everybody seems to come from ${last}: after some wrong passwords, of whomever, nobody can sign in.`,
      `Set trustedDownstreamIps: ['${last}'].`,
      details,
    )
  }
  if (!told && !isDirect) {
    return warning(
      'address',
      `${nameOf(front)} does not tell where people come from.`,
      remedyFor('address', front),
      details,
    )
  }
  if (echo.address === NOBODYS_ADDRESS) return ok('address', 'Orrery is told where people come from.', details)
  return ok('address', `Orrery sees the address of who asks: ${echo.address}.`, details)
}

/** A program in front that does not tell its name, on this machine, has another port than Orrery. */
function leadsToOwnPort(url: URL, { config }: Site): boolean {
  return listenOf(url.origin).port === listenOf(config.bindUrl).port
}

function isTrusted(address: string, { config }: Site): boolean {
  return trustedHops(config.trustedDownstreamIps)(address, 1)
}

/** Names of files may have anything in them, and arrive encoded. */
export async function pathOutcome({ client }: Reached, front: Front | undefined): Promise<Outcome<'path'>> {
  const sent = 'echo/a%2Fb%20%23%25/c'
  const answer = await client.ask(sent)
  const echo = echoIn(answer)
  if (echo?.url.endsWith(sent)) return ok('path', 'Names with odd letters arrive as they are.')
  const message = echo
    ? `A path is changed on its way: ${sent} arrives as ${echo.url.replace(/.*probe\//, '')}.`
    : `A path with %2F is refused (status ${answer.status}).`
  return failure('path', `${message} Files with such names cannot be opened.`, remedyFor('path', front), {
    url: echo?.url ?? null,
  })
}

/** Addresses that lead back after a sign-in, and cookies of several servers, are long. */
export async function longHeadOutcome({ client }: Reached, front: Front | undefined): Promise<Outcome<'long-head'>> {
  const long = 'x'.repeat(7_000)
  const refused = (answer: FrontAnswer) => echoIn(answer) === undefined
  const byUrl = await client.ask(`echo?long=${long}`)
  const byHeader = await client.ask('echo', { headers: { 'x-orrery-long': long } })
  if (!refused(byUrl) && !refused(byHeader)) return ok('long-head', 'Addresses and headers of 7 KB come through.')
  const what = refused(byUrl) ? 'An address' : 'A header'
  const { status } = refused(byUrl) ? byUrl : byHeader
  return warning(
    'long-head',
    `${what} of 7 KB is refused (status ${status}): sign-ins with many cookies fail.`,
    remedyFor('long-head', front),
    { status },
  )
}

export async function methodsOutcome({ client }: Reached, front: Front | undefined): Promise<Outcome<'methods'>> {
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE']) {
    const answer = await client.ask('echo', { method, bodyBytes: 2 })
    if (echoIn(answer)?.method === method) continue
    return failure(
      'methods',
      `${method} is refused (status ${answer.status}): nothing can be saved.`,
      remedyFor('methods', front),
      { method, status: answer.status },
    )
  }
  return ok('methods', 'POST, PUT, PATCH and DELETE come through.')
}
