/** Rows as the panel, trees and reports show them. Built only for what is looked at. */
import type { SourceLocation, TaskRef } from '../../shared/findings';
import type { LockRow, ScopeRow, SessionRow, TaskRow, TaskStacks, TaskState } from '../../shared/rows';
import { LockOp, Outcome, Wait } from '../../shared/wire';
import type { Stack } from '../core/definitions';
import {
  type CancelRecord,
  cancelReasonName,
  cancelWords,
  type Lock,
  outcomeName,
  type Scope,
  type Session,
  type Task,
} from '../core/entities';
import { shortPlace } from '../core/places';
import type { LockMonitor } from '../trackers/locks';
import type { CancelScopeTracker } from '../trackers/scopes';
import { round } from '../trackers/tasks';
import { waitName } from './waits';

export interface RowContext {
  readonly locks: LockMonitor;
  readonly scopes: CancelScopeTracker;
  readonly nowNs: number;
  /** Findings of an entity that still exist. */
  findings(ids: number[] | undefined): number[];
}

/** Entries of a list inside a row; the rest is said as a number. */
const MAX_INNER = 20;

export function taskState(task: Task): TaskState {
  if (task.ended) return outcomeName(task.outcome ?? Outcome.Ok);
  if (task.lockWait !== undefined) return 'waiting';
  if (task.wait === Wait.Running) return 'running';
  if (task.wait === Wait.Ready) return 'ready';
  return 'waiting';
}

/** The loop's own helpers and the libraries' tasks: nobody's code at their creation, and none where they wait. */
export function isLibraryTask(task: Task): boolean {
  if (task.creation === undefined && task.waitStack === undefined) return false;
  return !(task.creation?.hasUserCode ?? false) && !(task.waitStack?.hasUserCode ?? false);
}

/** Made in a library or the standard library, as a pool's lock is; one whose maker is not known counts as the user's own. */
export function isLibraryLock(lock: Lock): boolean {
  const made = lock.creation ?? lock.firstPlace;
  return made !== undefined && !made.hasUserCode;
}

/** Who waits for it: a task that awaits it, else the host of its group. */
export function awaiters(task: Task): TaskRef[] {
  const out: TaskRef[] = [];
  const add = (by: Task | undefined) => {
    if (by !== undefined && !by.ended && out.length < MAX_INNER && !out.includes(by.ref)) out.push(by.ref);
  };
  add(task.awaitedBy);
  for (const by of task.awaiters ?? []) add(by);
  if (out.length === 0 && task.group?.active) add(task.group.host);
  return out.map((ref) => ({ ...ref }));
}

/** `closely`: with its whole stacks. */
export function taskRow(task: Task, depth: number, context: RowContext, closely = false): TaskRow {
  const { nowNs } = context;
  const state = taskState(task);
  const row: TaskRow = {
    kind: 'task',
    id: task.id,
    address: task.address,
    name: task.label,
    coroutine: task.coroutine,
    state,
    depth,
    children: task.liveChildren,
    awaitedBy: task.ended ? [] : awaiters(task),
    ageMs: ms((task.ended ? task.endedNs : nowNs) - task.createdNs),
    steps: task.steps,
    busyMs: ms(task.busyNs),
    longestStepMs: ms(task.longestStepNs),
    waits: task.waits,
    readyMs: ms(task.schedNs),
    longestReadyMs: ms(task.longestSchedNs),
    cancelRequested: task.cancel !== undefined && !task.cancel.settled,
    findings: context.findings(task.findings),
  };
  if (task.parent !== undefined && task.parent.id !== 0) row.parent = { ...task.parent.ref };
  if (state === 'waiting') {
    row.waitsFor = waitName(task, context);
    const at = (task.lockWait?.stack ?? task.waitStack)?.place;
    if (at !== undefined) row.waitsAt = at;
    row.waitMs = ms(nowNs - (task.lockWait?.sinceNs ?? task.waitSinceNs));
  } else if (!task.ended && task.waitStack?.place !== undefined) row.waitsAt = task.waitStack.place;
  if (!task.ended && task.waitStack !== undefined) row.awaitDepth = task.waitStack.frames.length;
  const created = task.creation?.place;
  if (created !== undefined) row.createdAt = created;
  if (task.cancel !== undefined) row.cancelledBy = cancelText(task);
  if (task.exception !== '') row.exception = task.exception;
  if (closely) row.stacks = stacksOf(task);
  return row;
}

function stacksOf(task: Task): TaskStacks {
  const stacks: TaskStacks = {};
  const set = (key: keyof TaskStacks, stack: Stack | undefined) => {
    if (stack !== undefined && stack.shown.length > 0) stacks[key] = stack.shown.slice(0, MAX_INNER);
  };
  if (!task.ended) set('awaits', task.waitStack);
  set('created', task.creation);
  if (task.cancel !== undefined) set('cancelled', cancelStackOf(task.cancel));
  set('failed', task.failure);
  return stacks;
}

/** The call that cancelled it: of its scope when the call on the task itself is a library's. */
export function cancelStackOf({ scope, stack }: CancelRecord): Stack | undefined {
  return stack?.hasUserCode ? stack : (scope?.cancelled?.stack ?? stack);
}

/** `Task-3 at main.py:12 (TaskGroup: a child failed)` */
function cancelText(task: Task): string {
  const { by, scope, message } = task.cancel!;
  const place = cancelStackOf(task.cancel!)?.place;
  const parts = [by?.name ?? (scope === undefined ? 'a callback' : '')];
  if (place !== undefined) parts.push(`at ${shortPlace(place)}`);
  if (scope !== undefined)
    parts.push(`(${scope.type}: ${scope.cancelled === undefined ? cancelReasonName(undefined) : cancelWords(scope.cancelled)})`);
  if (message !== '') parts.push(`“${message}”`);
  return parts.filter((part) => part !== '').join(' ');
}

export function scopeRow(scope: Scope, depth: number, context: RowContext): ScopeRow {
  const { nowNs } = context;
  const endNs = scope.exit?.atNs ?? nowNs;
  const row: ScopeRow = {
    kind: 'scope',
    id: scope.id,
    type: scope.type,
    depth,
    active: scope.active,
    shield: scope.shield,
    ageMs: ms(endNs - scope.enteredNs),
    tasks: scope.members?.size ?? 0,
    deliveries: scope.deliveries,
    findings: context.findings(scope.findings),
  };
  if (scope.name !== '') row.name = scope.name;
  if (scope.host !== undefined) row.host = { ...scope.host.ref };
  if (scope.deadlineNs >= 0) row.deadlineInMs = round((scope.deadlineNs - endNs) / 1e6);
  if (scope.cancelled !== undefined) {
    const by = scope.cancelled.by?.label;
    row.cancelled = `${cancelWords(scope.cancelled)}${by === undefined ? '' : ` by ${by}`}`;
  }
  const entered = scope.entered?.place;
  if (entered !== undefined) row.enteredAt = entered;
  return row;
}

export const OP_NAMES: Record<number, string> = {
  [LockOp.Acquire]: 'acquire',
  [LockOp.Get]: 'get',
  [LockOp.Put]: 'put',
  [LockOp.Join]: 'join',
  [LockOp.Wait]: 'wait',
};

export function lockRow(lock: Lock, context: RowContext): LockRow {
  const { nowNs } = context;
  const row: LockRow = {
    kind: 'lock',
    id: lock.id,
    type: lock.type,
    holders: lock.holders.slice(0, MAX_INNER).map((holder) => ({
      ...(holder.task?.ref ?? { id: 0, name: 'unknown' }),
      heldMs: ms(nowNs - holder.sinceNs),
      ...(holder.stack?.place === undefined ? {} : { at: holder.stack.place as SourceLocation }),
    })),
    waiters: [],
    acquisitions: lock.acquisitions,
    contended: lock.contended,
    longestHoldMs: ms(lock.longestHoldNs),
    longestWaitMs: ms(lock.longestWaitNs),
    findings: context.findings(lock.findings),
  };
  for (const waiter of lock.waiters.values()) {
    if (row.waiters.length >= MAX_INNER) break;
    const place = waiter.stack?.place;
    row.waiters.push({
      ...waiter.task.ref,
      waitMs: ms(nowNs - waiter.sinceNs),
      ...(place === undefined ? {} : { at: place }),
      op: OP_NAMES[waiter.op] ?? 'wait',
    });
  }
  if (lock.ownLabel !== undefined) row.name = lock.ownLabel;
  const created = (lock.creation ?? lock.firstPlace)?.place;
  if (created !== undefined) row.createdAt = created;
  if (lock.capacity !== undefined) row.capacity = lock.capacity;
  if (lock.value !== undefined) row.value = lock.value;
  return row;
}

export function sessionRow(session: Session, context: RowContext): SessionRow {
  const finished = session.succeeded + session.failed;
  const row: SessionRow = {
    kind: 'session',
    id: session.id,
    type: session.type,
    open: session.open,
    ageMs: ms((session.open ? context.nowNs : session.closedNs) - session.openedNs),
    operations: session.operations,
    failures: session.failed,
    findings: context.findings(session.findings),
  };
  if (session.name !== '') row.name = session.name;
  if (session.opener !== undefined) row.opener = { ...session.opener.ref };
  const opened = session.opened?.place;
  if (opened !== undefined) row.openedAt = opened;
  if (finished > 0) {
    row.successRate = round(session.succeeded / finished);
    row.meanMs = ms(session.totalNs / finished);
  }
  if (session.pool !== undefined) row.pool = { inUse: session.pool.inUse, size: session.pool.size, waiting: session.pool.waiting };
  return row;
}

function ms(ns: number): number {
  return round(Math.max(0, ns) / 1e6);
}
