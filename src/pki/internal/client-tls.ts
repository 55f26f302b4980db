import type { Agent } from 'node:https'
import { checkServerIdentity, createSecureContext, type PeerCertificate, type SecureContext } from 'node:tls'
import { https } from '../../http/node-http.ts'
import type { TlsMaterial } from './material.ts'

/** Options of `https.request` by which the hub shows itself and takes nobody else's certificate for the other end's. */
export interface ClientTls {
  readonly secureContext: SecureContext
  /** Connections that were opened with these certificates; what others have opened is not used for them. */
  readonly agent: Agent
  readonly checkServerIdentity: (host: string, cert: PeerCertificate) => Error | undefined
}

export function clientTls(material: TlsMaterial): ClientTls {
  const agent = new https.Agent({ keepAlive: true, scheduling: 'lifo', timeout: IDLE_MS })
  return { secureContext: createSecureContext({ ...material }), agent, checkServerIdentity }
}

/** Node's own agent has it so: the other end closes idle ones then. */
const IDLE_MS = 5_000
const IDENTITY = 'URI:urn:orrery:'

/**
 * Besides the name of the host, which many servers may share, the certificate must be this server's own. One without
 * such a mark was made by JupyterHub, which names the user alone.
 */
export function clientTlsTo(tls: ClientTls, identity: string, commonName: string): ClientTls {
  return {
    ...tls,
    checkServerIdentity(host, cert) {
      const fault = tls.checkServerIdentity(host, cert)
      if (fault) return fault
      const marks = (cert.subjectaltname ?? '').split(', ').filter(name => name.startsWith(IDENTITY))
      const isTheirs = marks.length > 0 ? marks.includes(`URI:${identity}`) : cert.subject.CN === commonName
      return isTheirs ? undefined : new Error(`the certificate at ${host} is not that of ${identity}`)
    },
  }
}
