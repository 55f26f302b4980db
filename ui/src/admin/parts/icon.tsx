/** The same drawings as in the templates of the hub (`parts.html`). */
const shapes = {
  ready: <circle cx="8" cy="8" r="5" fill="currentColor" />,
  stopped: <circle cx="8" cy="8" r="4.25" className="line" />,
  spawning: (
    <>
      <circle cx="8" cy="8" r="4.25" className="line" />
      <path d="M8 3.75a4.25 4.25 0 0 1 0 8.5z" fill="currentColor" />
    </>
  ),
  failed: (
    <>
      <path d="M8 2 14.5 13.5h-13z" className="line" />
      <path d="M8 6.5v3.2m0 1.6v.4" className="line" />
    </>
  ),
  done: <path d="m3 8.5 3.2 3.2L13 4.8" className="line" />,
  info: (
    <>
      <circle cx="8" cy="8" r="6" className="line" />
      <path d="M8 7.3v3.5m0-6v.4" className="line" />
    </>
  ),
  close: <path d="m4 4 8 8m0-8-8 8" className="line" />,
  search: (
    <>
      <circle cx="7" cy="7" r="4.25" className="line" />
      <path d="m10.2 10.2 3.3 3.3" className="line" />
    </>
  ),
  up: <path d="m4 10 4-4 4 4" className="line" />,
  down: <path d="m4 6 4 4 4-4" className="line" />,
  plus: <path d="M8 3.5v9M3.5 8h9" className="line" />,
} as const

export type IconName = keyof typeof shapes

export function Icon({ name }: { name: IconName }) {
  return (
    <svg className="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true" focusable="false">
      {shapes[name]}
    </svg>
  )
}
