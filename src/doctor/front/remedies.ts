/** What to write into the config of the program in front, for each fault and each of the common programs. */

export type Front = 'nginx' | 'apache' | 'caddy' | 'haproxy'
export type FrontFault =
  | 'host'
  | 'scheme'
  | 'address'
  | 'websocket'
  | 'body'
  | 'stream'
  | 'path'
  | 'long-head'
  | 'methods'
  | 'idle'
  | 'compression'

const NAMES: Readonly<Record<Front, string>> = { nginx: 'nginx', apache: 'Apache', caddy: 'Caddy', haproxy: 'HAProxy' }

const REMEDIES: Readonly<Record<FrontFault, Readonly<Record<Front, string>>>> = {
  host: {
    nginx: 'proxy_set_header Host $http_host;',
    apache: 'ProxyPreserveHost On',
    caddy: 'no "header_up Host" in reverse_proxy',
    haproxy: 'no "http-request set-header Host"',
  },
  scheme: {
    nginx: 'proxy_set_header X-Forwarded-Proto $scheme;',
    apache: 'RequestHeader set X-Forwarded-Proto https',
    caddy: 'no "header_up X-Forwarded-Proto" in reverse_proxy',
    haproxy: 'http-request set-header X-Forwarded-Proto https if { ssl_fc }',
  },
  address: {
    nginx: 'proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;',
    apache: 'ProxyAddHeaders On',
    caddy: 'no "header_up -X-Forwarded-For" or other "header_up X-Forwarded-For" in reverse_proxy',
    haproxy: 'option forwardfor',
  },
  websocket: {
    nginx: 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";',
    apache: 'ProxyPass / http://127.0.0.1:8000/ upgrade=websocket (2.4.47 and newer)',
    caddy:
      'no "header_up -Upgrade", "header_up Connection" or buffering in reverse_proxy, which lets WebSockets through by itself',
    haproxy: 'mode http, and no "http-request del-header Upgrade"',
  },
  body: {
    nginx: 'client_max_body_size 0;',
    apache: 'no limit of mod_security (SecRequestBodyLimit)',
    caddy: 'no "request_body" with max_size',
    haproxy: 'no rule on "req.body_size" or "req.hdr_val(content-length)"',
  },
  stream: {
    nginx: 'proxy_buffering off; and no text/event-stream in gzip_types',
    apache: 'flushpackets=on in ProxyPass',
    caddy: 'no "buffer_responses" ("response_buffers" since 2.7) in reverse_proxy',
    haproxy: 'no "http-response wait-for-body"',
  },
  path: {
    nginx: 'proxy_pass http://127.0.0.1:8000; without a path or a slash behind the port',
    apache: 'AllowEncodedSlashes NoDecode, and nocanon in ProxyPass',
    caddy: 'no "rewrite" and no "uri" above reverse_proxy',
    haproxy: 'no "http-request normalize-uri" and no "set-path"',
  },
  'long-head': {
    nginx: 'large_client_header_buffers 4 32k;',
    apache: 'LimitRequestLine 32768 and LimitRequestFieldSize 32768',
    caddy: 'servers { max_header_size 64kb }',
    haproxy: 'tune.bufsize 65536',
  },
  methods: {
    nginx: 'no limit_except, and no rule of a firewall for web applications',
    apache: 'no <Limit> or <LimitExcept>, and no rule of mod_security',
    caddy: 'no matcher with "method"',
    haproxy: 'no rule on "method" or METH_ names',
  },
  idle: {
    nginx: 'proxy_read_timeout 1h; proxy_send_timeout 1h;',
    apache: 'ProxyTimeout 3600',
    caddy: 'no stream_timeout in reverse_proxy',
    haproxy: 'timeout tunnel 1h',
  },
  compression: {
    nginx: 'no "proxy_set_header Accept-Encoding" and gzip_proxied off;',
    apache: 'no SetOutputFilter DEFLATE for what is compressed already',
    caddy: 'no "header_down -Content-Encoding" in reverse_proxy; encode leaves alone what is compressed',
    haproxy: 'no "http-response del-header Content-Encoding"',
  },
}

/** `nginx: client_max_body_size 0;`, or the same for all of them. */
export function remedyFor(fault: FrontFault, front: Front | undefined): string {
  const known: readonly Front[] = front ? [front] : ['nginx', 'apache', 'caddy', 'haproxy']
  return known.map(each => `${NAMES[each]}: ${REMEDIES[fault][each]}`).join(' | ')
}

/** By what it tells of itself; HAProxy and load balancers of clouds tell nothing. */
export function frontOf(headers: Readonly<Record<string, string | readonly string[] | undefined>>): Front | undefined {
  const told = `${headers.server ?? ''} ${headers.via ?? ''}`.toLowerCase()
  if (/nginx|openresty/.test(told)) return 'nginx'
  if (/apache/.test(told)) return 'apache'
  return /caddy/.test(told) ? 'caddy' : undefined
}

export function nameOf(front: Front | undefined): string {
  return front ? NAMES[front] : 'What stands in front'
}
