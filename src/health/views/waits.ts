import { LockOp, Wait } from '../../shared/wire';
import type { Lock, Task } from '../core/entities';
import { SCOPE_TYPES } from '../core/entities';
import { shortPlace } from '../core/places';
import type { LockMonitor } from '../trackers/locks';
import type { CancelScopeTracker } from '../trackers/scopes';

interface Lookup {
  readonly locks: LockMonitor;
  readonly scopes: CancelScopeTracker;
}

const NAMES: Partial<Record<number, string>> = {
  [Wait.Running]: 'running',
  [Wait.Ready]: 'its turn',
  [Wait.Sleep]: 'sleep',
  [Wait.Future]: 'a future',
  [Wait.Task]: 'a task',
  [Wait.Lock]: 'Lock',
  [Wait.Semaphore]: 'Semaphore',
  [Wait.Condition]: 'Condition',
  [Wait.Event]: 'Event',
  [Wait.QueueGet]: 'Queue.get',
  [Wait.QueuePut]: 'Queue.put',
  [Wait.QueueJoin]: 'Queue.join',
  [Wait.Barrier]: 'Barrier',
  [Wait.Gather]: 'gather',
  [Wait.Group]: 'its children',
  [Wait.Io]: 'I/O',
  [Wait.Executor]: 'a thread or process pool',
  [Wait.WaitSet]: 'a set of tasks',
  [Wait.Shield]: 'shield',
};

const OPS: Partial<Record<number, string>> = {
  [LockOp.Get]: '.get',
  [LockOp.Put]: '.put',
  [LockOp.Join]: '.join',
  [LockOp.Wait]: '.wait',
};

/** What a task waits for, as a person would say it: `Lock (db.py:41)`, `sleep`, `Task-7 (fetch)`. */
export function waitName(task: Task, world: Lookup): string {
  const waiter = task.lockWait;
  if (waiter !== undefined) return lockWaitName(waiter.lock, OPS[waiter.op] ?? '');
  if (task.wait === Wait.Task && task.waitTask !== undefined) return taskName(task.waitTask);
  if (task.wait === Wait.Group) {
    const scope = world.scopes.at(task.waitObject);
    const count = scope?.members?.size ?? 0;
    return `${count === 0 ? 'children' : count === 1 ? '1 child' : `${count} children`} of its ${SCOPE_TYPES[scope?.kind ?? -1] ?? 'group'}`;
  }
  const lock = task.waitObject === 0 || !isLockWait(task.wait) ? undefined : world.locks.at(task.waitObject);
  if (lock !== undefined) return lockWaitName(lock, /\.\w+$/.exec(NAMES[task.wait] ?? '')?.[0] ?? '');
  return NAMES[task.wait] ?? 'something unknown';
}

function isLockWait(wait: number): boolean {
  return wait >= Wait.Lock && wait <= Wait.Barrier;
}

function lockWaitName(lock: Lock, op: string): string {
  const place = (lock.creation ?? lock.firstPlace)?.place;
  return `${lock.label}${op}${place === undefined ? '' : ` ${shortPlace(place)}`}`;
}

/** `Task-7 fetch` */
export function taskName(task: Task): string {
  const coroutine = task.coroutine.slice(task.coroutine.lastIndexOf('.') + 1);
  return task.name === '' || coroutine === '' || coroutine === task.name ? task.label : `${task.name} ${coroutine}`;
}
