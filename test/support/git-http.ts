import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

export interface GitServer {
  /** To be cloned: `http://127.0.0.1:PORT/course.git`. */
  readonly url: string
  /** Writes a file, commits it on `main` and publishes it. */
  commit(path: string, content: string): void
  close(): void
}

/** A repository on loopback, served by Git's own program as sites do. */
export async function startGitServer(name: string): Promise<GitServer> {
  const folder = mkdtempSync(join(tmpdir(), 'orrery-git-'))
  const work = join(folder, 'work')
  const bare = join(folder, `${name}.git`)
  const git = (...args: string[]) => execFileSync('git', args, { env: gitEnvironment(folder), stdio: 'pipe' })
  git('init', '--quiet', '--bare', '--initial-branch=main', bare)
  git('init', '--quiet', '--initial-branch=main', work)

  const server = createServer((request, response) => void answer(folder, request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as { port: number } // TCP, so it is no string
  return {
    url: `http://127.0.0.1:${port}/${name}.git`,
    commit(path, content) {
      mkdirSync(dirname(join(work, path)), { recursive: true })
      writeFileSync(join(work, path), content)
      git('-C', work, 'add', path)
      git('-C', work, 'commit', '--quiet', '-m', `change ${path}`)
      git('-C', work, 'push', '--quiet', bare, 'main')
    },
    close() {
      server.closeAllConnections()
      server.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** `git http-backend` is a CGI program (RFC 3875): variables in, headers and a body out. */
async function answer(folder: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url!, 'http://localhost')
  const backend = spawn('git', ['http-backend'], {
    env: {
      ...gitEnvironment(folder),
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: '1',
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method!,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
    },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  request.pipe(backend.stdin)
  const output = Buffer.concat(await backend.stdout.toArray())
  const end = output.indexOf('\r\n\r\n')
  for (const line of output.subarray(0, end).toString().split('\r\n')) {
    const [name, value] = line.split(': ') as [string, string]
    if (name === 'Status') response.statusCode = Number.parseInt(value, 10)
    else response.setHeader(name, value)
  }
  response.end(output.subarray(end + 4))
}

function gitEnvironment(folder: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env.PATH,
    HOME: folder,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ada',
    GIT_AUTHOR_EMAIL: 'ada@example.org',
    GIT_COMMITTER_NAME: 'Ada',
    GIT_COMMITTER_EMAIL: 'ada@example.org',
  }
}
