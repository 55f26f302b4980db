/**
 * Node's HTTP modules, without what an `import` of them brings: that reads every name they export, `WebSocket` among
 * them, and so loads Node's `fetch` as well, 14 MB of memory in each process that does not need it.
 */
export const http = process.getBuiltinModule('node:http')
export const https = process.getBuiltinModule('node:https')
