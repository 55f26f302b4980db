import { type ReactNode, useState } from 'react'

/** The first few of a list, then how many more there are. */
export function LossList<T>({
  title,
  items,
  keyOf,
  line,
}: {
  title: string
  items: readonly T[]
  keyOf: (item: T) => string
  line: (item: T) => ReactNode
}) {
  const [all, showAll] = useState(false)
  if (items.length === 0) return null
  const shown = all ? items : items.slice(0, 5)
  return (
    <div>
      <h3>{title}</h3>
      <ul className="loss-list">
        {shown.map(item => (
          <li key={keyOf(item)}>{line(item)}</li>
        ))}
      </ul>
      {items.length > shown.length && (
        <button type="button" className="button button-small button-quiet" onClick={() => showAll(true)}>
          Show {(items.length - shown.length).toLocaleString('en')} more
        </button>
      )}
    </div>
  )
}
