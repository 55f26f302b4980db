/**
 * The proxies that are compared, each on one core: how its routes are written down and how it is started. All forward the
 * same paths to the same upstream over kept connections where they can, pass bodies on as they come, and add
 * `X-Forwarded-*`, as JupyterHub's own guides set them up.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'

export const PROGRAMS = ['orrery', 'configurable-http-proxy', 'nginx', 'haproxy', 'caddy'] as const
export type Program = (typeof PROGRAMS)[number]

export interface Setup {
  readonly port: number
  readonly apiPort: number
  /** Host and port. */
  readonly upstream: string
  /** Prefixes, each beginning and ending with a slash. */
  readonly routes: readonly string[]
  /** A folder of its own. */
  readonly dir: string
}

export interface Recipe {
  readonly command: readonly string[]
  /** Written into `dir` before the start. */
  readonly files?: Readonly<Record<string, string>>
  readonly env?: Readonly<Record<string, string>>
  /** Routes come over the REST API, not from the files. */
  readonly api?: boolean
}

/** A route of Caddy's is asked after the other: with 10,000 a request takes milliseconds. */
export const MOST_ROUTES: Readonly<Partial<Record<Program, number>>> = { caddy: 1000 }

/** `orrery`: the command that starts ours, without its arguments. */
export function recipeFor(program: Program, setup: Setup, orrery: readonly string[]): Recipe {
  const recipes = { 'configurable-http-proxy': released, nginx, haproxy, caddy }
  return program === 'orrery' ? ours(setup, orrery) : recipes[program](setup)
}

export const API_TOKEN = 'bench-token'

function ours(setup: Setup, orrery: readonly string[]): Recipe {
  return { ...WITH_API, command: [...orrery, ...flags(setup)] }
}

function released(setup: Setup): Recipe {
  const manifest = createRequire(import.meta.url).resolve('configurable-http-proxy/package.json')
  return {
    ...WITH_API,
    command: [process.execPath, join(manifest, '../bin/configurable-http-proxy'), ...flags(setup)],
  }
}

const WITH_API = { api: true, env: { CONFIGPROXY_AUTH_TOKEN: API_TOKEN } }

function flags({ port, apiPort }: Setup): string[] {
  const api = ['--api-ip', '127.0.0.1', '--api-port', `${apiPort}`]
  return ['--ip', '127.0.0.1', '--port', `${port}`, ...api, '--log-level', 'error']
}

function nginx({ port, upstream, routes, dir }: Setup): Recipe {
  const config = `
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid ${dir}/nginx.pid;
error_log stderr crit;
events { worker_connections 16384; }
http {
  access_log off;
  client_body_temp_path ${dir}/body; proxy_temp_path ${dir}/proxy; fastcgi_temp_path ${dir}/fastcgi;
  uwsgi_temp_path ${dir}/uwsgi; scgi_temp_path ${dir}/scgi;
  keepalive_requests 1000000000;
  client_max_body_size 0;
  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
  upstream servers { server ${upstream}; keepalive 128; keepalive_requests 1000000000; }
  proxy_http_version 1.1;
  proxy_buffering off;
  proxy_request_buffering off;
  proxy_read_timeout 1h;
  proxy_set_header Host $http_host;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_upgrade;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { return 404; }
${routes.map(route => `    location ${route} { proxy_pass http://servers; }`).join('\n')}
  }
}
`
  return {
    command: ['nginx', '-e', 'stderr', '-p', dir, '-c', join(dir, 'nginx.conf')],
    files: { 'nginx.conf': config },
  }
}

function haproxy({ port, upstream, routes, dir }: Setup): Recipe {
  const config = `
global
  maxconn 8000
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 1h
  timeout server 1h
  timeout tunnel 1h
  http-reuse always
frontend public
  bind 127.0.0.1:${port} backlog 4096
  option forwardfor
  http-request set-header X-Forwarded-Proto http
  use_backend %[path,map_beg(${dir}/routes.map)]
backend servers
  server one ${upstream}
`
  return {
    command: ['haproxy', '-db', '-q', '-f', join(dir, 'haproxy.cfg')],
    files: { 'haproxy.cfg': config, 'routes.map': routes.map(route => `${route} servers\n`).join('') },
  }
}

function caddy({ port, upstream, routes, dir }: Setup): Recipe {
  const handle = [{ handler: 'reverse_proxy', upstreams: [{ dial: upstream }], flush_interval: -1 }]
  const server = {
    listen: [`127.0.0.1:${port}`],
    protocols: ['h1'],
    automatic_https: { disable: true },
    routes: routes.map(route => ({ match: [{ path: [`${route}*`] }], handle, terminal: true })),
  }
  const config = {
    admin: { disabled: true, config: { persist: false } },
    logging: { logs: { default: { level: 'ERROR' } } },
    apps: { http: { servers: { public: server } } },
  }
  return {
    command: ['caddy', 'run', '--config', join(dir, 'caddy.json')],
    files: { 'caddy.json': JSON.stringify(config) },
    env: { GOMAXPROCS: '1', XDG_DATA_HOME: dir, XDG_CONFIG_HOME: dir },
  }
}
