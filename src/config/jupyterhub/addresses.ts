/** Where proxy and hub listen: JupyterHub's whole URLs, and the parts that older configs give instead. */
import type { Mapping } from './mapping.ts'
import type { ResolvedSetting } from './resolve-settings.ts'

type Settings = ReadonlyMap<string, ResolvedSetting>

export function mapAddresses(mapping: Mapping, hub: Settings): void {
  mapPublic(mapping, hub)
  mapHub(mapping, hub)
  const publicUrl = hub.get('public_url')
  if (isText(publicUrl)) {
    const text = String(publicUrl.value)
    mapping.set('publicUrl', text.includes('://') ? text : `https://${text}`, [publicUrl])
  }
}

/** `ip`, `port` and `base_url` count before `bind_url`, all of them as soon as one is set. */
function mapPublic(mapping: Mapping, hub: Settings): void {
  const [whole, ip, port, base] = ['bind_url', 'ip', 'port', 'base_url'].map(name => hub.get(name))
  if (whole && refuseSocket(mapping, whole)) return
  const parts = split(isText(whole) ? String(whole.value) : 'http://:8000')
  if (ip || port) {
    mapping.set('bindUrl', `http://${hostText(ip?.value ?? '')}:${port?.value ?? 8000}`, [ip, port])
  } else mapping.set('bindUrl', parts.origin, [whole])
  if (isText(base)) mapping.set('baseUrl', base.value, [base])
  else if (parts.path !== '' && parts.path !== '/') mapping.set('baseUrl', parts.path, [whole])
}

function mapHub(mapping: Mapping, hub: Settings): void {
  const [whole, ip, port] = ['hub_bind_url', 'hub_ip', 'hub_port'].map(name => hub.get(name))
  if (whole && refuseSocket(mapping, whole)) return
  const host = ip?.value ?? '127.0.0.1'
  if (isText(whole)) mapping.set('hub.bindUrl', split(String(whole.value)).origin, [whole])
  else if (ip || port) mapping.set('hub.bindUrl', `http://${hostText(host)}:${port?.value ?? 8081}`, [ip, port])

  const [connect, connectIp, connectPort] = ['hub_connect_url', 'hub_connect_ip', 'hub_connect_port'].map(name =>
    hub.get(name),
  )
  if (isText(connect)) mapping.set('hub.connectUrl', split(String(connect.value)).origin, [connect])
  else if (isText(connectIp) || connectPort?.value) {
    const reachable = isText(connectIp)
      ? connectIp.value
      : ['', '0.0.0.0', '::'].includes(String(host))
        ? '127.0.0.1'
        : host
    mapping.set('hub.connectUrl', `http://${hostText(reachable)}:${connectPort?.value || port?.value || 8081}`, [
      connectIp,
      connectPort,
    ])
  }
}

function refuseSocket(mapping: Mapping, setting: ResolvedSetting): boolean {
  if (!/^(http\+unix|unix\+http):/.test(String(setting.value))) return false
  mapping.tell('refused', setting, 'is a Unix socket', 'Name an address such as http://127.0.0.1:8000.')
  return true
}

/** Origin and path. `https` is the web server's in front: without a certificate JupyterHub also listens for http. */
function split(url: string): { origin: string; path: string } {
  const [, rest = ''] = /^[a-z+]*:?\/\/(.*)$/.exec(url) ?? [undefined, url]
  const slash = rest.indexOf('/')
  const [host, path] = slash < 0 ? [rest, ''] : [rest.slice(0, slash), rest.slice(slash)]
  return { origin: `http://${host}`, path }
}

function hostText(host: unknown): string {
  const text = host === '*' ? '' : String(host)
  return text.includes(':') && !text.startsWith('[') ? `[${text}]` : text
}

function isText(setting: ResolvedSetting | undefined): setting is ResolvedSetting {
  return setting !== undefined && setting.value !== '' && setting.value !== null
}
