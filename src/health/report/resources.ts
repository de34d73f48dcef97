import type { Lock, Session } from '../core/entities';
import type { HealthModel } from '../model';
import { round } from '../trackers/tasks';
import { OP_NAMES } from '../views/rows';
import { location } from './tasks';

/** Holders and waiters of one lock that a report names; `waiting` is always complete. */
const MAX_INNER = 10;

/** The part "locks" of a report: statistics, and every lock that somebody waits for, with how long and whether that is too long. */
export function reportLocks(model: HealthModel, max: number): Record<string, unknown> {
  const { locks } = model.resources;
  const wanted = [...locks.all()].filter((lock) => lock.waiters.size > 0);
  const { lockWaitMs, lockHoldMs } = model.thresholds;
  const tooLong = (lock: Lock) => {
    let count = 0;
    for (const waiter of lock.waiters.values()) if (model.nowMs - waiter.sinceNs / 1e6 >= lockWaitMs) count++;
    return count;
  };
  return {
    ...locks.statistics(),
    timed_out_waits: wanted.reduce((sum, lock) => sum + tooLong(lock), 0),
    timeouts: { wait_ms: lockWaitMs, hold_ms: lockHoldMs },
    waited_for: wanted.slice(0, max).map((lock) => ({
      id: lock.id,
      type: lock.type,
      name: lock.ownLabel ?? null,
      made: location((lock.creation ?? lock.firstPlace)?.place),
      capacity: lock.capacity ?? null,
      value: lock.value ?? null,
      holders: lock.holders.slice(0, MAX_INNER).map((holder) => {
        const held = model.nowMs - holder.sinceNs / 1e6;
        return {
          task: holder.task?.label ?? 'unknown',
          held_ms: round(held),
          at: location(holder.stack?.place),
          timed_out: held >= lockHoldMs,
        };
      }),
      waiting: lock.waiters.size,
      waiters: [...lock.waiters.values()].slice(0, MAX_INNER).map((waiter) => {
        const waited = model.nowMs - waiter.sinceNs / 1e6;
        return {
          task: waiter.task.label,
          wants: OP_NAMES[waiter.op] ?? 'wait',
          wait_ms: round(waited),
          at: location(waiter.stack?.place),
          timed_out: waited >= lockWaitMs,
        };
      }),
    })),
  };
}

/** The part "sessions": open ones first, then the last closed ones. */
export function reportSessions(model: HealthModel, max: number): Record<string, unknown> {
  const { sessions } = model.resources;
  return {
    ...sessions.statistics(),
    list: [...sessions.openOnes(), ...sessions.history(max).reverse()].slice(0, max).map((session) => one(session, model.nowMs)),
  };
}

function one(session: Session, nowMs: number) {
  const finished = session.succeeded + session.failed;
  return {
    id: session.id,
    type: session.type,
    name: session.name || null,
    open: session.open,
    lost: session.lost,
    opener: session.opener?.label ?? null,
    opened: location(session.opened?.place),
    age_ms: round((session.open ? nowMs : session.closedNs / 1e6) - session.openedNs / 1e6),
    operations: session.operations,
    failures: session.failed,
    success_rate: finished === 0 ? null : round(session.succeeded / finished),
    mean_ms: finished === 0 ? null : round(session.totalNs / finished / 1e6),
    longest_ms: round(session.longestNs / 1e6),
    pool: session.pool === undefined ? null : { in_use: session.pool.inUse, size: session.pool.size, waiting: session.pool.waiting },
  };
}
