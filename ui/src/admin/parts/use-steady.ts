import { type RefObject, useRef } from 'react'

/** The latest value, except while a row is pointed at or holds the focus: what is sorted by it must not move then. */
export function useSteady<T>(value: T, table: RefObject<HTMLElement | null>): T {
  const steady = useRef(value)
  if (!table.current?.querySelector('tbody:hover, tbody:focus-within')) steady.current = value
  return steady.current
}
