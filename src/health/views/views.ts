import type { Finding } from '../../shared/findings';
import type { ListName, ListQuery, ListWindow } from '../../shared/panel';
import type { Row } from '../../shared/rows';
import type { Lock, Scope, Session, Task } from '../core/entities';
import { sortFindings } from '../findings/incidents';
import type { FindingStore } from '../findings/store';
import type { Trackers } from '../ingest';
import { findingText, lockText, scopeText, sessionText, taskMatcher } from './filters';
import { isLibraryLock, lockRow, type RowContext, scopeRow, sessionRow, taskRow } from './rows';
import { lockKey, scopeKey, sessionKey, sortBy, taskKey } from './sorting';
import { TaskOrder } from './taskOrder';

/**
 * An order that has to be worked out whole (filter, sort) is kept and used again until this much of the program's time per
 * entry has gone by, ns: 100,000 tasks are sorted once a second, 1,000 at every tick. Rows are always fresh.
 */
const ORDER_NS_PER_ENTRY = 10_000;
const MAX_LIMIT = 2_000;

interface CachedOrder {
  key: string;
  atNs: number;
  structure: number;
  items: unknown[];
}

type Source = Trackers & { readonly store: FindingStore };

/** The lists of the panel, one window at a time. */
export class Views {
  private readonly cache = new Map<ListName, CachedOrder>();
  private readonly rowContext: RowContext;
  private readonly collapsedTasks = new Map<number, Task | undefined>();

  constructor(private readonly source: Source) {
    const { context, locks, scopes, store } = source;
    this.rowContext = {
      locks,
      scopes,
      get nowNs() {
        return context.nowNs;
      },
      findings: (ids) => (ids === undefined ? [] : ids.filter((id) => store.get(id) !== undefined)),
    };
  }

  window(list: ListName, query: ListQuery): ListWindow {
    const wanted: ListQuery = {
      ...query,
      offset: Math.max(0, Math.trunc(Number(query.offset)) || 0),
      limit: Math.min(MAX_LIMIT, Math.max(0, Math.trunc(Number(query.limit)) || 0)),
    };
    if (list === 'tasks') return this.tasks(wanted);
    if (list === 'scopes') return this.scopes(wanted);
    if (list === 'locks') return this.locks(wanted);
    if (list === 'sessions') return this.sessions(wanted);
    return this.findings(wanted);
  }

  private tasks(query: ListQuery): ListWindow {
    const { tasks } = this.source;
    const all = query.includeEnded ? tasks.tree.all : tasks.tree.live;
    const filter = query.filter?.trim() ?? '';
    const key = taskKey(query.sort?.key);
    if (filter === '' && key === undefined) return this.taskTree(query, all);
    const order = this.cached('tasks', query, tasks.structure, all, () => {
      const matches = filter === '' ? () => true : taskMatcher(filter, this.rowContext);
      const out: Task[] = [];
      for (const task of tasks.living()) if (matches(task)) out.push(task);
      if (query.includeEnded) for (const task of tasks.history()) if (matches(task)) out.push(task);
      return sortBy(out, key, query.sort?.descending ?? false, this.source.context.nowNs);
    });
    return page(order, query, all, (task) => taskRow(task, 0, this.rowContext, task.id === query.selected));
  }

  private taskTree(query: ListQuery, all: number): ListWindow {
    const { tasks } = this.source;
    const collapsed = new Set(query.collapsed ?? []);
    const order = new TaskOrder(tasks.tree, query.includeEnded ?? false, collapsed, this.tasksOf(collapsed));
    const total = order.total;
    let { offset } = query;
    if (query.around !== undefined) {
      const target = tasks.byId(query.around);
      const index = target === undefined ? -1 : order.indexOf(target);
      if (index >= 0) offset = around(index, query.limit, total);
    }
    offset = Math.min(offset, Math.max(0, total - 1));
    const rows = order
      .page(offset, query.limit)
      .map(({ task, depth }) => taskRow(task, depth, this.rowContext, task.id === query.selected));
    return { total, all, offset, rows };
  }

  /** The tasks that a page has collapsed; ids are looked up once, the look-up is linear. */
  private tasksOf(ids: ReadonlySet<number>): Task[] {
    for (const id of this.collapsedTasks.keys()) if (!ids.has(id)) this.collapsedTasks.delete(id);
    const missing = new Set([...ids].filter((id) => !this.collapsedTasks.has(id)));
    if (missing.size > 0) {
      for (const id of missing) this.collapsedTasks.set(id, undefined);
      for (const task of this.source.tasks.byIds(missing)) this.collapsedTasks.set(task.id, task);
    }
    // One that was forgotten is out of the tree.
    return [...this.collapsedTasks.values()].filter((task) => task?.parent !== undefined) as Task[];
  }

  private scopes(query: ListQuery): ListWindow {
    const { scopes } = this.source;
    const all = scopes.active + (query.includeEnded ? scopes.history().length : 0);
    const filter = query.filter?.trim().toLowerCase() ?? '';
    const key = scopeKey(query.sort?.key);
    const flat = filter !== '' || key !== undefined;
    const order = this.cached<{ scope: Scope; depth: number }>('scopes', query, scopes.structure, all, () => {
      const out = [...scopes.open(), ...(query.includeEnded ? scopes.history() : [])].filter(
        (scope) => filter === '' || scopeText(scope).includes(filter),
      );
      if (flat) return sortBy(out, key, query.sort?.descending ?? false, this.source.context.nowNs).map((scope) => ({ scope, depth: 0 }));
      return scopeTree(out, new Set(query.collapsed ?? []));
    });
    return page(
      order,
      query,
      all,
      ({ scope, depth }) => scopeRow(scope, depth, this.rowContext),
      ({ scope }) => scope.id,
    );
  }

  private locks(query: ListQuery): ListWindow {
    const { locks, context } = this.source;
    const filter = query.filter?.trim().toLowerCase() ?? '';
    const order = this.cached<Lock>('locks', query, locks.structure, locks.size, () => {
      const out = [...locks.all()].filter((lock) => filter === '' || lockText(lock).includes(filter));
      const key = lockKey(query.sort?.key);
      if (key === undefined) return out.sort(byConcern);
      return sortBy(out, key, query.sort?.descending ?? false, context.nowNs);
    });
    return page(order, query, locks.size, (lock) => lockRow(lock, this.rowContext));
  }

  private sessions(query: ListQuery): ListWindow {
    const { sessions, context } = this.source;
    const filter = query.filter?.trim().toLowerCase() ?? '';
    const all = sessions.open + (query.includeEnded ? sessions.history().length : 0);
    const order = this.cached<Session>('sessions', query, sessions.structure, all, () => {
      const out = [...sessions.openOnes(), ...(query.includeEnded ? sessions.history().reverse() : [])].filter(
        (session) => filter === '' || sessionText(session).includes(filter),
      );
      return sortBy(out, sessionKey(query.sort?.key), query.sort?.descending ?? false, context.nowNs);
    });
    return page(order, query, all, (session) => sessionRow(session, this.rowContext));
  }

  private findings(query: ListQuery): ListWindow<Finding> {
    const filter = query.filter?.trim().toLowerCase() ?? '';
    const { store } = this.source;
    const shown = [...store.all()].filter((finding) => query.includeEnded || !finding.resolved);
    let items = sortFindings(shown.filter((finding) => filter === '' || findingText(finding).includes(filter)));
    const { sort } = query;
    if (sort !== undefined) {
      const value = (finding: Finding) => {
        const field = finding[sort.key as keyof Finding];
        return typeof field === 'number' || typeof field === 'string' ? field : undefined;
      };
      items = sortBy(items, value, sort.descending, 0);
    }
    return page(items, query, shown.length, (finding) => ({ ...finding })) as ListWindow<Finding>;
  }

  /** The order of a list, worked out anew only when the query or enough of the program has changed. */
  private cached<T>(list: ListName, query: ListQuery, structure: number, size: number, make: () => T[]): T[] {
    const { nowNs } = this.source.context;
    const key = JSON.stringify([query.filter, query.includeEnded, query.sort, query.collapsed]);
    const known = this.cache.get(list);
    if (known !== undefined && known.key === key) {
      const young = nowNs - known.atNs < size * ORDER_NS_PER_ENTRY;
      if (young && (structure === known.structure || size > 1_000)) return known.items as T[];
      if (nowNs === known.atNs && structure === known.structure) return known.items as T[];
    }
    const items = make();
    this.cache.set(list, { key, atNs: nowNs, structure, items });
    return items;
  }
}

function page<T extends object>(
  items: T[],
  query: ListQuery,
  all: number,
  row: (item: T) => Row | Finding,
  idOf: (item: T) => number = (item) => (item as { id: number }).id,
): ListWindow {
  let { offset } = query;
  if (query.around !== undefined) {
    const index = items.findIndex((item) => idOf(item) === query.around);
    if (index >= 0) offset = around(index, query.limit, items.length);
  }
  offset = Math.min(offset, Math.max(0, items.length - 1));
  return { total: items.length, all, offset, rows: items.slice(offset, offset + query.limit).map(row) };
}

/** Locks that somebody waits for come first; of these and of the others the user's own, then the most waited for, then the held. */
function byConcern(a: Lock, b: Lock): number {
  return (
    Number(b.waiters.size > 0) - Number(a.waiters.size > 0) ||
    Number(isLibraryLock(a)) - Number(isLibraryLock(b)) ||
    b.waiters.size - a.waiters.size ||
    b.holders.length - a.holders.length ||
    a.id - b.id
  );
}

/** A window that has the row in its middle. */
function around(index: number, limit: number, total: number): number {
  return Math.max(0, Math.min(index - (limit >> 1), total - limit));
}

/** Scopes below the scope they were entered in; what is below a collapsed one is left out. */
function scopeTree(scopes: Scope[], collapsed: Set<number>): { scope: Scope; depth: number }[] {
  const shown = new Set(scopes);
  const children = new Map<Scope | undefined, Scope[]>();
  for (const scope of scopes) {
    let parent = scope.parent;
    for (let hops = 0; parent !== undefined && !shown.has(parent) && hops < 100; hops++) parent = parent.parent;
    if (parent !== undefined && !shown.has(parent)) parent = undefined;
    const siblings = children.get(parent);
    if (siblings === undefined) children.set(parent, [scope]);
    else siblings.push(scope);
  }
  const out: { scope: Scope; depth: number }[] = [];
  const seen = new Set<Scope>();
  const stack = (children.get(undefined) ?? []).map((scope) => ({ scope, depth: 0 })).reverse();
  for (let top = stack.pop(); top !== undefined; top = stack.pop()) {
    if (seen.has(top.scope)) continue;
    seen.add(top.scope);
    out.push(top);
    if (collapsed.has(top.scope.id)) continue;
    const below = children.get(top.scope);
    if (below !== undefined) for (let at = below.length - 1; at >= 0; at--) stack.push({ scope: below[at]!, depth: top.depth + 1 });
  }
  return out;
}
