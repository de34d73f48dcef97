import type { TemplateResult } from 'lit';

/** A column of a grid. */
export interface Column<R> {
  /** Key of the row type: it is also what the host sorts by. */
  key: string;
  label: string;
  /** A CSS grid track. */
  width: string;
  /** Shown only when the grid is at least this many px wide. */
  from?: number;
  align?: 'end';
  sortable?: boolean;
  /** Tooltip of the heading: what the number means. */
  hint?: string;
  cell: (row: R) => TemplateResult | string | symbol;
}

/** The columns that fit. */
export function fitting<R>(columns: readonly Column<R>[], width: number): Column<R>[] {
  return columns.filter((column) => (column.from ?? 0) <= width);
}
