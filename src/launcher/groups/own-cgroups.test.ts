import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { hierarchiesOf } from './own-cgroups.ts'

/** As proc(5) shows them. */
const mount = (root: string, folder: string, type: string, options: string) =>
  `36 35 0:30 ${root} ${folder} rw,relatime shared:9 - ${type} ${type} rw,${options}`

describe('own control groups', () => {
  it('are found on a machine with version 2 alone', () => {
    const mounts = mount('/', '/sys/fs/cgroup', 'cgroup2', 'nsdelegate')

    assert.deepEqual(hierarchiesOf(mounts, '0::/system.slice/orrery.service\n'), [
      { controllers: [], top: '/sys/fs/cgroup', own: '/sys/fs/cgroup/system.slice/orrery.service' },
    ])
  })

  it('are found in each hierarchy of version 1, and in version 2 beside them', () => {
    const mounts = [
      mount('/', '/sys/fs/cgroup/unified', 'cgroup2', 'nsdelegate'),
      mount('/', '/sys/fs/cgroup/cpu,cpuacct', 'cgroup', 'cpu,cpuacct'),
      mount('/', '/sys/fs/cgroup/memory', 'cgroup', 'memory'),
      mount('/', '/sys/fs/cgroup/systemd', 'cgroup', 'xattr,name=systemd'),
      '22 1 8:1 / / rw - ext4 /dev/sda1 rw',
    ].join('\n')
    const own = '4:memory:/user.slice\n3:cpu,cpuacct:/\n1:name=systemd:/user.slice\n0::/user.slice\n'

    const found = hierarchiesOf(mounts, own)

    assert.deepEqual(
      found.map(({ controllers, own }) => [controllers.join(), own]),
      [
        ['', '/sys/fs/cgroup/unified/user.slice'],
        ['cpu,cpuacct', '/sys/fs/cgroup/cpu,cpuacct'],
        ['memory', '/sys/fs/cgroup/memory/user.slice'],
        ['name=systemd', '/sys/fs/cgroup/systemd/user.slice'],
      ],
    )
  })

  it('lie at the folder itself in a container that is shown its own group', () => {
    const mounts = mount('/docker/abc', '/sys/fs/cgroup/memory', 'cgroup', 'memory')

    const [found] = hierarchiesOf(mounts, '4:memory:/docker/abc\n')

    assert.equal(found?.own, '/sys/fs/cgroup/memory')
  })

  it('are unknown where another part of the hierarchy is shown', () => {
    const mounts = mount('/docker/other', '/sys/fs/cgroup', 'cgroup2', 'rw')

    assert.equal(hierarchiesOf(mounts, '0::/docker/abc\n')[0]?.own, undefined)
    assert.equal(hierarchiesOf(mount('/', '/sys/fs/cgroup', 'cgroup2', 'rw'), '0::/../abc\n')[0]?.own, undefined)
  })

  it('are read from folders whose names hold blanks and colons', () => {
    const found = hierarchiesOf(mount('/', '/mnt/my\\040groups', 'cgroup2', 'rw'), '0::/a:b\n')

    assert.equal(found[0]?.own, '/mnt/my groups/a:b')
  })
})
