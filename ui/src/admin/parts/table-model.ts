/** What a table is told of its columns and its selection, in the terms of react-table. */
import {
  type ColumnDef,
  createSortedRowModel,
  type RowSelectionState,
  rowSelectionFeature,
  rowSortingFeature,
  type SortFn,
  type SortingState,
  tableFeatures,
} from '@tanstack/react-table'
import type { ReactNode } from 'react'

export interface Column<Row> {
  readonly id: string
  readonly header: string
  readonly cell: (row: Row) => ReactNode
  /** What it is sorted by; absent: it cannot be sorted. */
  readonly value?: (row: Row) => string | number | undefined
  readonly newestFirst?: boolean
  readonly className?: string
  /** Names the row, for screen readers too. */
  readonly isName?: boolean
}

export interface Selection {
  readonly selected: ReadonlySet<string>
  readonly onChange: (selected: ReadonlySet<string>) => void
  readonly labelOf: (id: string) => string
}

export const features = tableFeatures({
  rowSortingFeature,
  rowSelectionFeature,
  sortedRowModel: createSortedRowModel(),
})

export function columnDef<Row extends object>(column: Column<Row>): ColumnDef<typeof features, Row> {
  const { id, header, value } = column
  return {
    id,
    header,
    accessorFn: (row: Row) => value?.(row),
    enableSorting: value !== undefined,
    sortDescFirst: column.newestFirst ?? false,
    sortUndefined: 'last',
    sortFn: compare as SortFn<typeof features, Row>,
  }
}

export function selectionState(selection: Selection | undefined): RowSelectionState {
  return Object.fromEntries([...(selection?.selected ?? [])].map(id => [id, true] as const))
}

const collator = new Intl.Collator(undefined, { numeric: true })

function compare(a: { getValue(id: string): unknown }, b: { getValue(id: string): unknown }, id: string): number {
  const [one, other] = [a.getValue(id), b.getValue(id)]
  if (typeof one === 'number' && typeof other === 'number') return one - other
  return collator.compare(String(one), String(other))
}

export function toSorting(by: string): SortingState {
  return by === '' ? [] : [{ id: by.replace(/^-/, ''), desc: by.startsWith('-') }]
}
