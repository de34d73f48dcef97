/** The page's copy of one window of a list: replaced by a snapshot, patched by deltas. Pure. */
import type { Finding } from '../../src/shared/findings';
import type { ListDelta, ListWindow } from '../../src/shared/panel';
import type { Row } from '../../src/shared/rows';

type Item = Row | Finding;

export class ListCache<R extends Item = Item> {
  /** Rows that match the query; undefined rows are not loaded. */
  total = 0;
  /** All there are, without the filter. */
  all = 0;
  /** Index of `rows[0]` in the list. */
  offset = 0;
  rows: readonly R[] = [];
  /** False until the first answer: "loading" is not "empty". */
  loaded = false;
  /** Moment (program clock, ms) at which each row was true, so that ages can run on between two deltas. */
  private asOf = new WeakMap<R, number>();

  replace(window: ListWindow<R>, nowMs: number): void {
    this.total = window.total;
    this.all = window.all;
    this.offset = window.offset;
    this.rows = window.rows;
    this.loaded = true;
    for (const row of window.rows) this.asOf.set(row, nowMs);
  }

  /** Applies a change; false when it names rows that are not here (something was missed: ask for a snapshot). */
  apply(delta: ListDelta, nowMs: number): boolean {
    if (!this.loaded && !delta.order) return false;
    const changed = new Map<number, R>();
    for (const row of delta.changed as R[]) {
      changed.set(row.id, row);
      this.asOf.set(row, nowMs);
    }
    let rows: R[];
    if (delta.order) {
      const known = new Map(this.rows.map((row) => [row.id, row]));
      rows = [];
      for (const id of delta.order) {
        const row = changed.get(id) ?? known.get(id);
        if (!row) return false;
        rows.push(row);
      }
    } else {
      rows = changed.size === 0 ? [...this.rows] : this.rows.map((row) => changed.get(row.id) ?? row);
    }
    this.rows = rows;
    this.total = delta.total;
    this.all = delta.all;
    this.offset = delta.offset;
    this.loaded = true;
    return true;
  }

  /** Forgets everything, as before the first answer. */
  clear(): void {
    this.total = this.all = this.offset = 0;
    this.rows = [];
    this.loaded = false;
  }

  at(index: number): R | undefined {
    return this.rows[index - this.offset];
  }

  indexOf(id: number): number {
    const at = this.rows.findIndex((row) => row.id === id);
    return at < 0 ? -1 : at + this.offset;
  }

  byId(id: number): R | undefined {
    return this.rows.find((row) => row.id === id);
  }

  /** ms that passed on the program's clock since the row was sent. */
  since(row: R, nowMs: number): number {
    return Math.max(0, nowMs - (this.asOf.get(row) ?? nowMs));
  }
}
