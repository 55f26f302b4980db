#!/usr/bin/env node
/** Starts `orrery` with the Node it brings along; in a fresh clone it installs the locked npm packages first. */
import { join } from 'node:path'
import { becomeProcess, ensurePackages, findNode, isCheckout, root } from './bootstrap.mjs'

await ensurePackages('production')
// A clone runs its TypeScript as it stands. Node does not strip types below node_modules, so the package is built.
const main = join(root, ...(isCheckout ? ['src', 'cli', 'main.ts'] : ['dist', 'cli', 'main.js']))
const args = process.argv.slice(2)
becomeProcess(findNode(), [main, ...args], { watch: args[0] === 'start' })
