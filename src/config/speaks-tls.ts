interface OwnTls {
  readonly key?: string | undefined
  readonly selfSigned: boolean
  readonly acme: { readonly enabled: boolean }
}

/** Whether the proxy speaks HTTPS with browsers. Apart from the schema, which whoever only asks this need not load. */
export function speaksTls({ key, selfSigned, acme }: OwnTls): boolean {
  return key !== undefined || selfSigned || acme.enabled
}
