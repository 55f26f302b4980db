/** One program for each entry, in files whose names stay: the hub adds `?v=` with a hash of the content. */
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vite'

export default defineConfig({
  base: './',
  publicDir: false,
  build: {
    target: 'baseline-widely-available',
    modulePreload: false,
    cssCodeSplit: false,
    // What the packages ask of those who pass them on.
    license: { fileName: 'licenses.md' },
    rolldownOptions: {
      onLog(level, log, report) {
        // "use client" is for frameworks that also render on a server.
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') report(level, log)
      },
      input: { admin: fileURLToPath(new URL('src/admin/main.tsx', import.meta.url)) },
      output: {
        entryFileNames: '[name].js',
        assetFileNames: 'admin[extname]',
        codeSplitting: false,
      },
    },
  },
})
