/** Column keys of the rows, read straight from the entities: sorting 100,000 must not build 100,000 rows. */
import type { LockRow, ScopeRow, SessionRow, TaskRow } from '../../shared/rows';
import type { Lock, Scope, Session, Task } from '../core/entities';
import { placeKey } from '../core/places';
import { taskState } from './rows';

/** What a thing is sorted by; undefined sorts last in either direction. */
export type SortKey<T> = (item: T, nowNs: number) => number | string | undefined;

const TASKS: Partial<Record<keyof TaskRow, SortKey<Task>>> = {
  id: (task) => task.id,
  name: (task) => task.label,
  coroutine: (task) => task.coroutine,
  state: (task) => taskState(task),
  children: (task) => task.liveChildren,
  waitsFor: (task) => task.wait,
  waitsAt: (task) => placeKey(task.waitStack?.place) || undefined,
  createdAt: (task) => placeKey(task.creation?.place) || undefined,
  waitMs: (task, nowNs) => (task.ended || taskState(task) !== 'waiting' ? undefined : nowNs - (task.lockWait?.sinceNs ?? task.waitSinceNs)),
  ageMs: (task, nowNs) => (task.ended ? task.endedNs : nowNs) - task.createdNs,
  steps: (task) => task.steps,
  busyMs: (task) => task.busyNs,
  longestStepMs: (task) => task.longestStepNs,
  findings: (task) => task.findings?.length ?? 0,
};

const SCOPES: Partial<Record<keyof ScopeRow, SortKey<Scope>>> = {
  id: (scope) => scope.id,
  type: (scope) => scope.type,
  name: (scope) => scope.name || undefined,
  host: (scope) => scope.host?.label,
  ageMs: (scope, nowNs) => (scope.exit?.atNs ?? nowNs) - scope.enteredNs,
  deadlineInMs: (scope) => (scope.deadlineNs < 0 ? undefined : scope.deadlineNs),
  tasks: (scope) => scope.members?.size ?? 0,
  deliveries: (scope) => scope.deliveries,
  cancelled: (scope) => (scope.cancelled === undefined ? undefined : scope.cancelled.atNs),
  enteredAt: (scope) => placeKey(scope.entered?.place) || undefined,
  shield: (scope) => Number(scope.shield),
  active: (scope) => Number(scope.active),
};

const LOCKS: Partial<Record<keyof LockRow, SortKey<Lock>>> = {
  id: (lock) => lock.id,
  type: (lock) => lock.type,
  name: (lock) => lock.ownLabel,
  createdAt: (lock) => placeKey((lock.creation ?? lock.firstPlace)?.place) || undefined,
  holders: (lock) => lock.holders.length,
  waiters: (lock) => lock.waiters.size,
  capacity: (lock) => lock.capacity,
  value: (lock) => lock.value,
  acquisitions: (lock) => lock.acquisitions,
  contended: (lock) => lock.contended,
  longestHoldMs: (lock) => lock.longestHoldNs,
  longestWaitMs: (lock) => lock.longestWaitNs,
};

const SESSIONS: Partial<Record<keyof SessionRow, SortKey<Session>>> = {
  id: (session) => session.id,
  type: (session) => session.type,
  name: (session) => session.name || undefined,
  open: (session) => Number(session.open),
  opener: (session) => session.opener?.label,
  openedAt: (session) => placeKey(session.opened?.place) || undefined,
  ageMs: (session, nowNs) => (session.open ? nowNs : session.closedNs) - session.openedNs,
  operations: (session) => session.operations,
  failures: (session) => session.failed,
  successRate: (session) => (session.operations === 0 ? undefined : session.succeeded / session.operations),
  meanMs: (session) => (session.operations === 0 ? undefined : session.totalNs / session.operations),
  pool: (session) => (session.pool === undefined ? undefined : session.pool.inUse / Math.max(1, session.pool.size)),
};

/** The page's word for a column; what is no column sorts nothing. */
const column =
  <T>(keys: Partial<Record<string, SortKey<T>>>) =>
  (key: string | undefined) =>
    typeof key === 'string' && Object.hasOwn(keys, key) ? keys[key] : undefined;

export const taskKey = column(TASKS);
export const scopeKey = column(SCOPES);
export const lockKey = column(LOCKS);
export const sessionKey = column(SESSIONS);

/** Sorted by a key that is worked out once per item; equal ones stay by id. Without a key: as they are. */
export function sortBy<T extends { id: number }>(items: T[], key: SortKey<T> | undefined, descending: boolean, nowNs: number): T[] {
  if (key === undefined) return items;
  const keyed = items.map((item) => ({ item, value: key(item, nowNs) }));
  const sign = descending ? -1 : 1;
  keyed.sort((a, b) => {
    if (a.value === b.value) return a.item.id - b.item.id;
    if (a.value === undefined) return 1;
    if (b.value === undefined) return -1;
    if (typeof a.value === 'string' || typeof b.value === 'string') return sign * collator.compare(String(a.value), String(b.value));
    return sign * (a.value - b.value);
  });
  return keyed.map(({ item }) => item);
}

/** `Task-9` before `Task-10`. */
const collator = new Intl.Collator('en', { numeric: true });
