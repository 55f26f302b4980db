import { useProxies } from '../../api/queries.ts'
import { certificateState } from '../../lib/certificate-state.ts'

/** Until when browsers can come by HTTPS, of the proxy where it is worst; nothing where something in front speaks it. */
export function CertificateMark({ visible }: { visible: boolean }) {
  const { data: proxies = [] } = useProxies(visible)
  const states = proxies.flatMap(({ certificate }) => certificate ?? []).map(each => certificateState(each, Date.now()))
  const worst = states.find(state => state.isAlarming) ?? states[0]
  if (!worst) return null
  return (
    <span className={`certificate-mark${worst.isAlarming ? ' certificate-alarm' : ''}`} role="status">
      {worst.words}
    </span>
  )
}
