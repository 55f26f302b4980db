import type { Server } from '../../api/types.ts'
import { type Phase, phaseOf } from '../users/server-phase.ts'
import { Icon, type IconName } from './icon.tsx'

const words: Readonly<Record<Phase, string>> = {
  ready: 'Running',
  spawning: 'Starting',
  stopping: 'Stopping',
  failed: 'Failed',
  stopped: 'Stopped',
}

const icons: Readonly<Record<Phase, IconName>> = {
  ready: 'ready',
  spawning: 'spawning',
  stopping: 'spawning',
  failed: 'failed',
  stopped: 'stopped',
}

/** A server's state, with an icon and a word; why and how far on hover. */
export function State({ server }: { server: Server | undefined }) {
  const phase = phaseOf(server)
  const percent = phase === 'spawning' ? server?.progress?.percent : undefined
  const title =
    phase === 'spawning' ? server?.progress?.message : phase === 'ready' ? undefined : server?.reason?.message
  return (
    <span className={`state state-${phase}`} title={title}>
      <Icon name={icons[phase]} /> {words[phase]}
      {percent ? ` ${percent} %` : ''}
    </span>
  )
}
