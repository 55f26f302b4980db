/**
 * Orrery beside the released programs, in one run: `npm run bench -- hub|proxy|start|all [--json] [--quick]`, and what else
 * the single benches take (`bench/hub/run.ts`, `bench/proxy/run.ts`). `--json`: one line a bench.
 */
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

const BENCHES = {
  hub: { file: 'hub/run.ts', quick: ['--users', '50', '--rounds', '1', '--seconds', '0.5', '--servers', '50'] },
  proxy: { file: 'proxy/run.ts', quick: ['--rounds', '1', '--share', '0.1'] },
  start: {
    file: 'start/run.ts',
    quick: ['--rounds', '1', '--at-once', '4', '--idle', '4', '--pages', '1', '--class', '8+2'],
  },
} as const
type Bench = keyof typeof BENCHES

const [what = 'all', ...args] = process.argv.slice(2)
const wanted = (what === 'all' ? Object.keys(BENCHES) : [what]) as Bench[] // checked right below
if (!wanted.every(name => Object.hasOwn(BENCHES, name))) {
  process.stderr.write('usage: npm run bench -- hub|proxy|start|all [--json] [--quick]\n')
  process.exit(2)
}
for (const name of wanted) {
  const { file, quick } = BENCHES[name]
  const flags = args.includes('--quick') ? [...quick, ...args.filter(arg => arg !== '--quick')] : args
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, file), ...flags], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
