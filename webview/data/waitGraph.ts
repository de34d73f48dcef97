/** Who waits for whom through locks, and the circles in it. Pure; linear in holders plus waiters. */
import type { TaskRef } from '../../src/shared/findings';
import type { LockRow } from '../../src/shared/rows';

/** `task` waits for `lock`, which the next step's task holds. */
export interface WaitStep {
  task: TaskRef;
  lock: LockRow;
}

interface Edge extends WaitStep {
  to: TaskRef;
}

function edges(locks: readonly LockRow[]): Map<number, Edge[]> {
  const from = new Map<number, Edge[]>();
  for (const lock of locks) {
    for (const waiter of lock.waiters) {
      for (const holder of lock.holders) {
        const edge: Edge = { task: waiter, lock, to: holder };
        const list = from.get(waiter.id);
        if (list) list.push(edge);
        else from.set(waiter.id, [edge]);
      }
    }
  }
  return from;
}

/** Each circle once, as its steps; a task that waits for a lock it holds itself is a circle of one step. */
export function waitCycles(locks: readonly LockRow[]): WaitStep[][] {
  const from = edges(locks);
  const state = new Map<number, 'open' | 'done'>();
  const cycles: WaitStep[][] = [];
  const path: Edge[] = [];
  // Depth first with an explicit stack: a chain of waiters can be as long as the program has tasks.
  for (const start of from.keys()) {
    if (state.has(start)) continue;
    const stack: { task: number; next: number }[] = [{ task: start, next: 0 }];
    state.set(start, 'open');
    while (stack.length > 0) {
      const top = stack[stack.length - 1]!;
      const edge = from.get(top.task)?.[top.next++];
      if (!edge) {
        state.set(top.task, 'done');
        stack.pop();
        path.pop();
        continue;
      }
      const seen = state.get(edge.to.id);
      if (seen === 'open') {
        const begin = path.findIndex((step) => step.task.id === edge.to.id);
        const around = begin < 0 ? [edge] : [...path.slice(begin), edge];
        cycles.push(around.map(({ task, lock }) => ({ task, lock })));
      } else if (seen === undefined && from.has(edge.to.id)) {
        state.set(edge.to.id, 'open');
        path.push(edge);
        stack.push({ task: edge.to.id, next: 0 });
      }
    }
  }
  return cycles;
}

/** From a waiter along the holders to the one that waits for nothing (or round to the start): the chain that must move first. */
export function waitChain(locks: readonly LockRow[], task: number, limit = 12): { steps: WaitStep[]; end?: TaskRef; cyclic: boolean } {
  const from = edges(locks);
  const steps: WaitStep[] = [];
  const seen = new Set<number>([task]);
  let at = task;
  let end: TaskRef | undefined;
  while (steps.length < limit) {
    const edge = from.get(at)?.[0];
    if (!edge) break;
    steps.push({ task: edge.task, lock: edge.lock });
    end = edge.to;
    if (seen.has(edge.to.id)) return { steps, end, cyclic: true };
    seen.add(edge.to.id);
    at = edge.to.id;
  }
  return { steps, end, cyclic: false };
}
