/** A table with sorting and selection; on a phone its rows become lists of labelled facts (by the hub's style sheet). */
import { functionalUpdate, type SortingState, useTable } from '@tanstack/react-table'
import { useWindowVirtualizer } from '@tanstack/react-virtual'
import { useMemo, useRef, useState } from 'react'
import { moveByArrows } from './arrow-keys.ts'
import { Icon } from './icon.tsx'
import { type Column, columnDef, features, type Selection, selectionState, toSorting } from './table-model.ts'

interface DataTableProps<Row> {
  readonly label: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  readonly idOf: (row: Row) => string
  readonly selection?: Selection
  /** Rows that come sorted; absent: the table sorts them itself. */
  readonly sorting?: { readonly by: string; readonly onChange: (by: string) => void }
  /** Of the table that sorts itself; `-name` for the reverse. */
  readonly firstBy?: string
  readonly isCurrent?: (row: Row) => boolean
  readonly busy?: boolean
}

/** Above this only what can be seen is drawn. */
const MANY = 250

export function DataTable<Row extends object>(props: DataTableProps<Row>) {
  const { columns, rows, idOf, selection, sorting, busy } = props
  const [ownSorting, setOwnSorting] = useState<SortingState>(() => toSorting(props.firstBy ?? ''))
  const table = useTable({
    features,
    columns: useMemo(() => columns.map(columnDef<Row>), [columns]),
    data: rows as Row[], // never written to
    getRowId: idOf,
    enableMultiSort: false,
    enableSortingRemoval: false,
    enableSubRowSelection: false,
    enableRowSelection: selection !== undefined,
    manualSorting: sorting !== undefined,
    state: {
      sorting: sorting ? toSorting(sorting.by) : ownSorting,
      rowSelection: selectionState(selection),
    },
    onSortingChange(update) {
      const next = functionalUpdate(update, sorting ? toSorting(sorting.by) : ownSorting)
      if (sorting) sorting.onChange(next.map(({ id, desc }) => (desc ? `-${id}` : id)).join())
      else setOwnSorting(next)
    },
    onRowSelectionChange(update) {
      const next = functionalUpdate(update, selectionState(selection))
      selection?.onChange(new Set(Object.keys(next).filter(id => next[id])))
    },
  })
  const shown = table.getRowModel().rows
  const body = useRef<HTMLTableSectionElement>(null)
  const isMany = shown.length > MANY
  const virtual = useWindowVirtualizer({
    count: isMany ? shown.length : 0,
    estimateSize: () => 45,
    overscan: 20,
    scrollMargin: body.current ? body.current.getBoundingClientRect().top + scrollY : 0,
  })
  const visible = isMany ? virtual.getVirtualItems().map(({ index }) => index) : shown.map((_, index) => index)
  const margin = virtual.options.scrollMargin
  const above = isMany ? (virtual.getVirtualItems()[0]?.start ?? margin) - margin : 0
  const below = isMany ? virtual.getTotalSize() - ((virtual.getVirtualItems().at(-1)?.end ?? margin) - margin) : 0

  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls sideways must be reached by keyboard
    <section className="table-scroll" tabIndex={0} aria-label={props.label}>
      <table aria-rowcount={shown.length + 1} aria-busy={busy}>
        <thead>
          <tr>
            {selection && (
              <th scope="col" className="check-col">
                <input
                  type="checkbox"
                  aria-label="Select all on this page"
                  checked={shown.length > 0 && table.getIsAllRowsSelected()}
                  ref={box => {
                    if (box) box.indeterminate = !table.getIsAllRowsSelected() && table.getIsSomeRowsSelected()
                  }}
                  onChange={table.getToggleAllRowsSelectedHandler()}
                />
              </th>
            )}
            {table.getHeaderGroups()[0]?.headers.map((header, index) => (
              <HeaderCell
                key={header.id}
                column={columns[index]!}
                direction={header.column.getIsSorted()}
                onSort={header.column.getToggleSortingHandler()}
              />
            ))}
          </tr>
        </thead>
        <tbody ref={body} onKeyDown={moveByArrows}>
          {above > 0 && <Spacer height={above} />}
          {visible.map(index => {
            const row = shown[index]!
            return (
              <tr
                key={row.id}
                data-index={index}
                ref={isMany ? virtual.measureElement : undefined}
                aria-rowindex={index + 2}
                className={classOf(row.getIsSelected(), props.isCurrent?.(row.original) ?? false)}
              >
                {selection && (
                  <td className="check-col">
                    <input
                      type="checkbox"
                      aria-label={`Select ${selection.labelOf(row.id)}`}
                      checked={row.getIsSelected()}
                      // The click knows of Shift, which selects a range; React wants a handler of changes beside it.
                      onClick={row.getToggleSelectedHandler()}
                      onChange={() => {}}
                    />
                  </td>
                )}
                {columns.map(column => (
                  <Cell key={column.id} column={column} row={row.original} />
                ))}
              </tr>
            )
          })}
          {below > 0 && <Spacer height={below} />}
        </tbody>
      </table>
    </section>
  )
}

function HeaderCell<Row>({
  column,
  direction,
  onSort,
}: {
  column: Column<Row>
  direction: false | 'asc' | 'desc'
  onSort: ((event: unknown) => void) | undefined
}) {
  const sort = direction === 'asc' ? 'ascending' : direction === 'desc' ? 'descending' : undefined
  return (
    <th scope="col" aria-sort={sort} className={column.className}>
      {column.value ? (
        <button type="button" className="sort-button" onClick={onSort}>
          {column.header}
          <span className="sort-mark">{direction && <Icon name={direction === 'asc' ? 'up' : 'down'} />}</span>
        </button>
      ) : (
        column.header
      )}
    </th>
  )
}

function Cell<Row>({ column, row }: { column: Column<Row>; row: Row }) {
  if (column.isName) {
    return (
      <th scope="row" className={column.className}>
        {column.cell(row)}
      </th>
    )
  }
  return (
    <td className={column.className} data-label={column.header}>
      {column.cell(row)}
    </td>
  )
}

function Spacer({ height }: { height: number }) {
  return (
    <tr className="spacer">
      <td style={{ height }} />
    </tr>
  )
}

function classOf(isSelected: boolean, isCurrent: boolean): string | undefined {
  return [isSelected && 'is-selected', isCurrent && 'is-current'].filter(Boolean).join(' ') || undefined
}
