/**
 * What of a row must be sent again when it differs. Durations that run on are compared by the moment they count from: the page
 * lets them run by its copy of the program's clock (`nowMs`), so a row that merely grows older is not a change.
 */
import type { Finding } from '../../shared/findings';
import type { Row } from '../../shared/rows';

/** Resolution of that moment, ms. */
const STEP_MS = 10;

export function fingerprint(row: Row | Finding, nowMs: number): string {
  if (!('kind' in row)) return JSON.stringify(row);
  const since = (ms: number) => Math.round((nowMs - ms) / STEP_MS);
  switch (row.kind) {
    case 'task': {
      const ended = row.state === 'done' || row.state === 'failed' || row.state === 'cancelled' || row.state === 'dropped';
      if (ended) return JSON.stringify(row);
      return JSON.stringify({ ...row, ageMs: since(row.ageMs), waitMs: row.waitMs === undefined ? undefined : since(row.waitMs) });
    }
    case 'scope':
      if (!row.active) return JSON.stringify(row);
      return JSON.stringify({
        ...row,
        ageMs: since(row.ageMs),
        deadlineInMs: row.deadlineInMs === undefined ? undefined : since(-row.deadlineInMs),
      });
    case 'session':
      return row.open ? JSON.stringify({ ...row, ageMs: since(row.ageMs) }) : JSON.stringify(row);
    case 'lock':
      return JSON.stringify({
        ...row,
        holders: row.holders.map((holder) => ({ ...holder, heldMs: since(holder.heldMs) })),
        waiters: row.waiters.map((waiter) => ({ ...waiter, waitMs: since(waiter.waitMs) })),
      });
  }
}
