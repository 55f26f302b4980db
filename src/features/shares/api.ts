/** JupyterHub's endpoints of sharing: `shares`, `share-codes`, and what is shared with a user or a group. */
import type { FastifyPluginAsync } from 'fastify'
import { codesApi } from './codes-api.ts'
import type { SharesDeps } from './requests.ts'
import { sharedWithApi } from './shared-with-api.ts'
import { sharesApi } from './shares-api.ts'

export function sharingApi(deps: SharesDeps): FastifyPluginAsync {
  return async server => {
    sharesApi(server, deps)
    codesApi(server, deps)
    sharedWithApi(server, deps)
  }
}
