import http from 'node:http'

/** The body of an answer, whatever its status; over a connection of its own unless there is an `agent`. */
export function getText(url: string, agent?: http.Agent): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = http.get(url, { agent: agent ?? false }, async res => {
      let body = ''
      for await (const chunk of res) body += chunk
      resolve(body)
    })
    request.setTimeout(20_000, () => request.destroy(new Error('no answer')))
    request.on('error', reject)
  })
}
