/** Keyboard of a tree grid, after the WAI-ARIA practice and VS Code's own lists. Pure. */

/** What the list looks like around the focused row. */
export interface TreePosition {
  /** Focused row, -1 = none. */
  index: number;
  total: number;
  /** Rows per page. */
  page: number;
  depth: number;
  expandable: boolean;
  expanded: boolean;
  /** Depth of a row, undefined where it is not loaded. */
  depthAt(index: number): number | undefined;
}

export type TreeMove =
  | { to: number }
  | { do: 'expand' | 'collapse' | 'open' | 'menu' | 'details' }
  /** Not ours: let the browser have it. */
  | undefined;

/** What a key does. `key` as in KeyboardEvent. */
export function treeKey(key: string, at: TreePosition, shift = false): TreeMove {
  const { index, total } = at;
  if (total === 0) return undefined;
  const to = (i: number): TreeMove => ({ to: Math.min(total - 1, Math.max(0, i)) });
  switch (key) {
    case 'ArrowDown':
      return to(index + 1);
    case 'ArrowUp':
      return to(index < 0 ? total - 1 : index - 1);
    case 'PageDown':
      return to(index + Math.max(1, at.page - 1));
    case 'PageUp':
      return to(index - Math.max(1, at.page - 1));
    case 'Home':
      return to(0);
    case 'End':
      return to(total - 1);
  }
  if (index < 0) return undefined;
  switch (key) {
    case 'ArrowRight':
      if (!at.expandable) return undefined;
      return at.expanded ? to(index + 1) : { do: 'expand' };
    case 'ArrowLeft':
      if (at.expandable && at.expanded) return { do: 'collapse' };
      return at.depth > 0 ? to(parentIndex(index, at.depth, at.depthAt)) : undefined;
    case 'Enter':
      return { do: 'open' };
    case ' ':
      return { do: 'details' };
    case 'ContextMenu':
      return { do: 'menu' };
    case 'F10':
      return shift ? { do: 'menu' } : undefined;
  }
  return undefined;
}

/** Nearest row above with a smaller depth; the row itself when the parent is not loaded. */
export function parentIndex(index: number, depth: number, depthAt: (index: number) => number | undefined): number {
  for (let i = index - 1; i >= 0; i--) {
    const d = depthAt(i);
    if (d === undefined) return index;
    if (d < depth) return i;
  }
  return index;
}
