/** A private key with its certificate and what its holder trusts, as PEM texts: what TLS wants on each side. */
export interface TlsMaterial {
  readonly key: string
  /** The certificate, and after it those that lead to an authority which not everybody knows yet. */
  readonly cert: string
  /** Authorities whose certificates are accepted. */
  readonly ca: string
}

/** The certificates of a PEM text, one by one, each with a line end. */
export function splitPem(text: string): string[] {
  return (text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []).map(pem => `${pem}\n`)
}
