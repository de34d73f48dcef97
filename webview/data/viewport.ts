/** Which rows to draw and which window to ask for, from scroll position and sizes. Pure. */

export interface Range {
  /** First row. */
  first: number;
  /** One past the last row. */
  end: number;
}

/** Rows (partly) visible. Heights in px. */
export function visibleRows(scrollTop: number, height: number, rowHeight: number, total: number): Range {
  const first = Math.min(Math.max(0, Math.floor(scrollTop / rowHeight)), Math.max(0, total - 1));
  return { first, end: Math.min(total, Math.max(first, Math.ceil((scrollTop + height) / rowHeight))) };
}

/** Rows to put into the page: the visible ones and `extra` on either side, so that a scroll of a few rows shows no gap. */
export function drawnRows(visible: Range, total: number, extra = 8): Range {
  return { first: Math.max(0, visible.first - extra), end: Math.min(total, visible.end + extra) };
}

/** Windows begin at multiples of this, so that small scrolls ask for nothing. */
const STEP = 20;

/**
 * The window to ask for, or undefined while the one asked for last still covers what is visible with some margin.
 * One screen of overscan on either side, 40 rows at least.
 */
export function wantedWindow(
  visible: Range,
  total: number,
  asked: { offset: number; limit: number } | undefined,
): { offset: number; limit: number } | undefined {
  const screen = Math.max(1, visible.end - visible.first);
  const overscan = Math.max(40, screen);
  const margin = Math.floor(overscan / 3);
  if (asked) {
    const lowOk = asked.offset === 0 || visible.first - margin >= asked.offset;
    const highOk = visible.end + Math.min(margin, Math.max(0, total - visible.end)) <= asked.offset + asked.limit;
    if (lowOk && highOk && asked.limit <= 4 * (screen + 2 * overscan)) return undefined;
  }
  const offset = Math.max(0, Math.floor((visible.first - overscan) / STEP) * STEP);
  const limit = Math.ceil((visible.end + overscan - offset) / STEP) * STEP;
  return asked && asked.offset === offset && asked.limit === limit ? undefined : { offset, limit };
}

/** Scroll position that shows row `index` wholly, moving as little as possible (`center`: into the middle when it is outside). */
export function scrollToShow(index: number, scrollTop: number, height: number, rowHeight: number, center = false): number {
  const top = index * rowHeight;
  const bottom = top + rowHeight;
  if (top >= scrollTop && bottom <= scrollTop + height) return scrollTop;
  if (center) return Math.max(0, top - Math.max(0, (height - rowHeight) / 2));
  return top < scrollTop ? top : Math.max(0, bottom - height);
}
