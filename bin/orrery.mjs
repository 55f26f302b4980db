#!/usr/bin/env node
/** Starts `orrery` with the Node it brings along; in a fresh clone it installs the locked npm packages and builds what browsers run. */
import { join } from 'node:path'
import { becomeProcess, ensurePackages, findNode, isCheckout, root } from './bootstrap.mjs'
import { ensureBrowserCode } from './browser-code.mjs'

const args = process.argv.slice(2)
await ensurePackages('production')
if (args[0] === 'start' || args[0] === 'hub') await ensureBrowserCode()
// A clone runs its TypeScript as it stands. Node does not strip types below node_modules, so the package is built.
const main = join(root, ...(isCheckout ? ['src', 'cli', 'main.ts'] : ['dist', 'cli', 'main.js']))
// JupyterHub, systemd and others who start a hub or a proxy kill what they have started, which must not live on.
becomeProcess(findNode(), [main, ...args], {
  watch: ['start', 'hub', 'proxy'].includes(args[0]),
  inPlace: args[0] !== 'start',
})
