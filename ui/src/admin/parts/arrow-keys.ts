import type { KeyboardEvent } from 'react'

/** Up and down go to the same control of the next row, so that a long table is not a long way for the Tab key. */
export function moveByArrows(event: KeyboardEvent<HTMLElement>): void {
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return
  const cell = (event.target as HTMLElement).closest('td, th')
  const row = cell?.closest('tr')
  const next = event.key === 'ArrowDown' ? row?.nextElementSibling : row?.previousElementSibling
  if (!cell || !row || !next) return
  const column = [...row.children].indexOf(cell)
  const target =
    next.children[column]?.querySelector<HTMLElement>('a, button, input') ??
    next.querySelector<HTMLElement>('th a, th button')
  if (!target) return
  event.preventDefault()
  target.focus()
}
