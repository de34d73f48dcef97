import { LockOp, Wait } from '../../shared/wire';
import type { Task } from '../core/entities';
import { isExclusive, type LockMonitor } from '../trackers/locks';
import type { CancelScopeTracker } from '../trackers/scopes';

/** Tasks looked at in one search; a circle longer than this is not found. */
const SEARCH_LIMIT = 2_000;

/** Whom a task waits for. `all`: any one of them that never comes is enough to hang it; else all of them must be stuck. */
export interface Blockers {
  tasks: Task[];
  all: boolean;
}

/** Edges out of one task of the wait-for graph. Undefined: it waits for nothing that a task must do, or can go on. */
export function blockersOf(task: Task, locks: LockMonitor, scopes: CancelScopeTracker): Blockers | undefined {
  if (task.ended) return undefined;
  const waiter = task.lockWait;
  if (waiter !== undefined) {
    if (waiter.op !== LockOp.Acquire) return undefined;
    const holders = waiter.lock.holders;
    const tasks: Task[] = [];
    for (const holder of holders) {
      // An unknown or dead holder is no edge; of a semaphore it is a way out that nobody can exclude.
      if (holder.task === undefined || holder.task.ended) {
        if (!isExclusive(waiter.lock)) return undefined;
        continue;
      }
      if (!tasks.includes(holder.task)) tasks.push(holder.task);
    }
    // Permits that nobody is known to hold may come back at any time.
    const capacity = waiter.lock.capacity;
    if (!isExclusive(waiter.lock) && (capacity === undefined || holders.length < capacity)) return undefined;
    return tasks.length === 0 ? undefined : { tasks, all: false };
  }
  if (task.wait === Wait.Task && task.waitTask !== undefined && !task.waitTask.ended) return { tasks: [task.waitTask], all: true };
  if (task.wait === Wait.Lock || task.wait === Wait.Semaphore) {
    const holder = locks.at(task.waitObject)?.holders[0]?.task;
    return holder === undefined || holder.ended || task.wait === Wait.Semaphore ? undefined : { tasks: [holder], all: true };
  }
  if (task.wait === Wait.Group) {
    const members = scopes.at(task.waitObject)?.members;
    return members === undefined || members.size === 0 || members.size > 1_000 ? undefined : { tasks: [...members], all: true };
  }
  if (task.wait === Wait.Gather || task.wait === Wait.Shield) {
    const children: Task[] = [];
    for (let child = task.firstChild; child !== undefined && children.length < 1_000; child = child.next) {
      if (!child.ended && child.awaitedBy === task) children.push(child);
    }
    return children.length === 0 ? undefined : { tasks: children, all: true };
  }
  return undefined;
}

/**
 * The circle (strongly connected component of the wait-for graph) that `start` is part of, in waiting order, or undefined.
 * Tarjan's search from one task: only a new edge can close a circle, so it starts at tasks whose wait is new.
 * A task that waits for any of several (a semaphore's holders) counts only when all of them are caught in the circle.
 */
export function circleOf(start: Task, edges: (task: Task) => Blockers | undefined): Task[] | undefined {
  const seen = new Map<Task, { index: number; low: number; onStack: boolean; blockers: Blockers | undefined; at: number }>();
  const stack: Task[] = [];
  const path: Task[] = [start];
  let count = 0;
  const visit = (task: Task) => {
    const node = { index: count, low: count, onStack: true, blockers: edges(task), at: 0 };
    count++;
    seen.set(task, node);
    stack.push(task);
    return node;
  };
  visit(start);
  while (path.length > 0) {
    const task = path[path.length - 1]!;
    const node = seen.get(task)!;
    const next = node.blockers?.tasks[node.at++];
    if (next !== undefined) {
      const known = seen.get(next);
      if (known === undefined) {
        if (count >= SEARCH_LIMIT) return undefined;
        visit(next);
        path.push(next);
      } else if (known.onStack) node.low = Math.min(node.low, known.index);
      continue;
    }
    path.pop();
    const above = path[path.length - 1];
    if (above !== undefined) {
      const parent = seen.get(above)!;
      parent.low = Math.min(parent.low, node.low);
    }
    if (node.low !== node.index) continue;
    const component: Task[] = [];
    for (let out = stack.pop(); out !== undefined; out = stack.pop()) {
      seen.get(out)!.onStack = false;
      component.push(out);
      if (out === task) break;
    }
    if (!component.includes(start)) continue;
    const selfLoop = component.length === 1 && seen.get(task)!.blockers?.tasks.includes(task);
    if (component.length < 2 && !selfLoop) return undefined;
    const inside = new Set(component);
    const caught = component.every((member) => {
      const blockers = seen.get(member)!.blockers;
      return blockers !== undefined && (blockers.all || blockers.tasks.every((blocker) => inside.has(blocker)));
    });
    return caught ? inOrder(start, inside, (member) => seen.get(member)!.blockers) : undefined;
  }
  return undefined;
}

/** A way round: from each task to one it waits for, back to the start. */
function inOrder(start: Task, inside: Set<Task>, edges: (task: Task) => Blockers | undefined): Task[] {
  // Breadth first back to the start gives the shortest circle.
  const from = new Map<Task, Task>();
  const queue: Task[] = [start];
  for (let at = 0; at < queue.length; at++) {
    const task = queue[at]!;
    for (const next of edges(task)?.tasks ?? []) {
      if (next === start) {
        const circle = [task];
        for (let back = from.get(task); back !== undefined; back = from.get(back)) circle.push(back);
        return circle.reverse();
      }
      if (!inside.has(next) || from.has(next)) continue;
      from.set(next, task);
      queue.push(next);
    }
  }
  return [...inside];
}
