import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { release } from 'node:os'
import { describe, it } from 'node:test'
import { systemPython } from '../testing.ts'
import { FORKER_PROGRAM } from './forker-python.ts'

const [major = 0, minor = 0] = release()
  .split('.')
  .map(part => Number.parseInt(part, 10))
const can = (major > 6 || (major === 6 && minor >= 1)) && existsSync('/sys/kernel/mm/transparent_hugepage')

/** Fills 32 MB in small pages, gathers, and forks: the child writes to every page. */
const PROGRAM = `
import ctypes, json, mmap, os, re, sys
sys.path.insert(0, sys.argv[1])
from orrery_forker import huge_pages
def huge():
    return sum(map(int, re.findall(r"AnonHugePages: *(\\d+)", open("/proc/self/smaps").read())))
memory = mmap.mmap(-1, 32 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for at in range(0, len(memory), 4096): memory[at] = at // 4096 % 251
before = huge()
huge_pages.gather(ctypes.CDLL(None, use_errno=True))
after = huge()
if os.fork() == 0:
    for at in range(0, len(memory), 4096): memory[at] = 255
    os._exit(0)
os.wait()
kept = all(memory[at] == at // 4096 % 251 for at in range(0, len(memory), 4096))
print(json.dumps({"gathered": after - before, "kept": kept}))
`

describe('huge pages of a preloader', () => {
  it('hold what was there, apart from what forked processes write', () => {
    const words = ['-I', '-S', '-B', '-c', PROGRAM, FORKER_PROGRAM]
    const { gathered, kept } = JSON.parse(execFileSync(systemPython(), words, { encoding: 'utf8' }))
    assert.equal(kept, true)
    if (can) assert.ok(gathered > 0, 'nothing was gathered')
  })
})
