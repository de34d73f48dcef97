import type { Finding } from '../../shared/findings';
import { LockOp } from '../../shared/wire';
import { DelayQueue } from '../core/collections';
import type { Stack } from '../core/definitions';
import type { Lock, LockHold, LockWaiter, Task } from '../core/entities';
import { placeKey, shortPlace } from '../core/places';
import { isExclusive } from '../trackers/locks';
import { at, called, Detector, duration, type Evidence, type World } from './detector';

/** `asyncio.Lock (db.py:41)`, or the name that the program gave it. */
export function lockName(lock: Lock): string {
  if (lock.named) return lock.name;
  const place = (lock.creation ?? lock.firstPlace)?.place;
  return `${lock.label}${place === undefined ? '' : ` (${shortPlace(place)})`}`;
}

interface Reentry {
  lock: Lock;
  task: Task | undefined;
  stack: Stack | undefined;
  first: LockHold | undefined;
  /** The library raised an error instead of letting it hang. */
  refused: boolean;
}

/** The place of the first acquire comes a little later where the probe must look for it, ns. */
const FIRST_PLACE_NS = 400e6;

/** A task acquires a lock it already holds and hangs. Error. */
export class LockReentry extends Detector<Reentry> {
  readonly code = 'lock-reentry';
  /** Seen, but the first place is not known yet. */
  private readonly maturing = new Map<Lock, Reentry & { dueNs: number }>();

  constructor(world: World) {
    super(world);
    const { signals } = world.context;
    signals.lockReentry.on((lock, task, stack, refused) => this.consider(lock, task, stack, refused));
    // Where the probe did not compare, the model does.
    signals.lockWait.on((waiter) => {
      if (waiter.op !== LockOp.Acquire || !isExclusive(waiter.lock) || waiter.lock.holders[0]?.task !== waiter.task) return;
      if (!hasFinding(world, waiter.lock, this.code)) this.consider(waiter.lock, waiter.task, waiter.stack, false);
    });
    signals.lockPlace.on((lock) => this.mature(lock));
    signals.lockFree.on((lock) => this.mature(lock));
    signals.lockGone.on((lock) => this.mature(lock));
  }

  private consider(lock: Lock, task: Task | undefined, stack: Stack | undefined, refused: boolean): void {
    if (this.maturing.has(lock)) return;
    const first = lock.holders.find((holder) => holder.task === task);
    if (first === undefined || first.stack !== undefined) this.raise(this.check({ lock, task, stack, first, refused }));
    else this.maturing.set(lock, { lock, task, stack, first, refused, dueNs: this.nowNs + FIRST_PLACE_NS });
  }

  private mature(lock: Lock): void {
    const seen = this.maturing.get(lock);
    if (seen === undefined) return;
    this.maturing.delete(lock);
    this.raise(this.check(seen));
  }

  override look(nowNs: number): void {
    for (const [lock, { dueNs }] of this.maturing) if (nowNs >= dueNs) this.mature(lock);
  }

  override end(): void {
    for (const lock of [...this.maturing.keys()]) this.mature(lock);
  }

  check(facts: Reentry): Evidence<Reentry> {
    const { lock, task, stack, first } = facts;
    return {
      severity: 'error',
      task,
      stack,
      here: 'acquired again here',
      related: [
        { label: 'already held since here', stack: first?.stack, task: task?.ref },
        { label: 'lock made here', stack: lock.creation },
      ],
      about: [lock, task],
      facts,
    };
  }

  message({ lock, task, stack, first, refused }: Reentry): string {
    return `Task ${called(task)} acquires ${lockName(lock)}${at(stack)} which it already holds${at(first?.stack)}; ${refused ? 'the library refuses' : 'it waits for itself'}.`;
  }

  advice(): string {
    return 'These locks are not re-entrant: split the method into one that takes the lock and one that expects it to be held, or pass on that it is held.';
  }
}

export function hasFinding(world: World, lock: Lock, code: string): boolean {
  return (
    lock.findings?.some((id) => {
      const finding = world.store.get(id);
      return finding?.code === code && !finding.resolved;
    }) ?? false
  );
}

interface Abandoned {
  lock: Lock;
  owner: LockHold | undefined;
  waiter: LockWaiter | undefined;
}

/** A release by somebody else, or one that is under way, is seen by then, ns. */
const ABANDONED_GRACE_NS = 300e6;
/** Waiters of a free lock are woken in the next loop turn; a busy loop may take a while, ns. */
const LOST_WAKEUP_NS = 1e9;

/** The owner finished without releasing; or a lock is free and its waiters sleep on. Error with waiters, else warning. */
export class LockAbandoned extends Detector<Abandoned> {
  readonly code = 'lock-abandoned';
  private readonly waiting = new DelayQueue<Lock>(() => ABANDONED_GRACE_NS);
  private readonly free = new Map<Lock, number>();
  private readonly reported = new Map<Lock, Finding>();

  constructor(world: World) {
    super(world);
    const { signals } = world.context;
    signals.taskEnd.on((task) => {
      for (const lock of task.holds ?? []) if (isExclusive(lock)) this.waiting.add(lock, this.nowNs);
    });
    signals.lockWait.on(({ lock, op }) => {
      if (op === LockOp.Acquire && isExclusive(lock) && lock.holders[0]?.task?.ended) this.waiting.add(lock, this.nowNs);
    });
    signals.lockState.on((lock) => {
      if (lock.sampled?.free && lock.waiters.size > 0) this.free.set(lock, this.free.get(lock) ?? this.nowNs);
      else this.free.delete(lock);
    });
    signals.lockHold.on((lock) => this.over(lock));
    signals.lockFree.on((lock) => this.over(lock));
    // Gone without having been released: nobody was helped by that.
    signals.lockGone.on((lock) => {
      this.free.delete(lock);
      this.reported.delete(lock);
    });
  }

  private over(lock: Lock): void {
    this.free.delete(lock);
    const finding = this.reported.get(lock);
    if (finding === undefined) return;
    this.reported.delete(lock);
    this.world.store.resolve(finding);
  }

  override look(nowNs: number): void {
    this.waiting.take(nowNs, (lock) => {
      const owner = lock.holders[0];
      if (!lock.gone && owner?.task?.ended && !this.reported.has(lock)) this.keep(lock, this.raise(this.check(lock, owner)));
    });
    for (const [lock, sinceNs] of this.free) {
      if (lock.gone || lock.waiters.size === 0 || lock.holders.length > 0) this.free.delete(lock);
      else if (nowNs - Math.max(sinceNs, oldestWait(lock)) >= LOST_WAKEUP_NS && !this.reported.has(lock)) {
        this.keep(lock, this.raise(this.check(lock, undefined)));
      }
    }
  }

  private keep(lock: Lock, finding: Finding | undefined): void {
    if (finding !== undefined && this.reported.size < 1_000) this.reported.set(lock, finding);
  }

  check(lock: Lock, owner: LockHold | undefined): Evidence<Abandoned> {
    const waiting: LockWaiter | undefined = lock.waiters.values().next().value;
    const waiter = waiting ?? lock.lastFailed;
    return {
      severity: waiter === undefined ? 'warning' : 'error',
      task: owner?.task ?? waiter?.task,
      stack: owner?.stack ?? waiter?.stack ?? lock.creation,
      here: owner?.stack !== undefined ? 'acquired here' : waiter?.stack !== undefined ? 'waited for here' : 'lock made here',
      related: [
        {
          label: `${called(waiter?.task)} ${waiting === undefined ? 'waited' : 'waits'} here`,
          stack: waiter?.stack,
          task: waiter?.task.ref,
        },
        { label: `owner ${called(owner?.task)} was created here`, stack: owner?.task?.creation, task: owner?.task?.ref },
        { label: 'lock made here', stack: lock.creation },
      ],
      about: [lock, owner?.task, waiter?.task],
      facts: { lock, owner, waiter },
    };
  }

  message({ lock, owner, waiter }: Abandoned): string {
    const wait = waiter === undefined ? '' : `; ${called(waiter.task)}${at(waiter.stack)} waits for it`;
    const more = waiter === undefined || waiter.lock.waiters.size < 2 ? '' : ` with ${waiter.lock.waiters.size - 1} more`;
    if (owner === undefined) return `${lockName(lock)} is free, but its waiters were not woken${wait}${more}.`;
    return `Task ${called(owner.task)} ended without releasing ${lockName(lock)}, acquired${at(owner.stack)}${wait}${more}.`;
  }

  advice({ owner, lock }: Abandoned): string {
    if (owner === undefined)
      return 'A wake-up was lost, usually because a woken waiter was cancelled before it ran: upgrade the library or Python, and do not touch the waiters of a lock by hand.';
    return `Use \`async with ${lock.name && /^\w+$/.test(lock.name) ? lock.name : 'lock'}:\`, which releases on every path, also when cancelled.`;
  }
}

function oldestWait(lock: Lock): number {
  const first: LockWaiter | undefined = lock.waiters.values().next().value;
  return first?.sinceNs ?? 0;
}

interface Slow {
  lock: Lock;
  waiter: LockWaiter;
  holder: LockHold | undefined;
  waitNs: number;
  holdNs: number;
}

/** A lock is held or waited for longer than the thresholds. Warning. */
export class LockTimeout extends Detector<Slow> {
  readonly code = 'lock-timeout';
  /** Locks that somebody waits for. */
  private readonly contended = new Set<Lock>();
  private readonly reported = new Map<Lock, Finding>();
  private nextLookNs = 0;

  constructor(world: World) {
    super(world);
    const { signals } = world.context;
    signals.lockWait.on(({ lock, op }) => {
      if (op === LockOp.Acquire) this.contended.add(lock);
    });
    signals.lockWaitEnd.on(({ lock }) => {
      if (lock.waiters.size === 0) {
        this.contended.delete(lock);
        const finding = this.reported.get(lock);
        if (finding !== undefined) this.world.store.resolve(finding);
        this.reported.delete(lock);
      }
    });
  }

  override look(nowNs: number): void {
    if (nowNs < this.nextLookNs) return;
    // Every tick while there are few, more seldom when very many locks are contended.
    this.nextLookNs = nowNs + this.contended.size * 10_000;
    for (const lock of this.contended) if (!this.reported.has(lock)) this.consider(lock, nowNs);
  }

  private consider(lock: Lock, nowNs: number): void {
    const evidence = this.check(lock, nowNs);
    if (evidence === undefined) return;
    const finding = this.raise(evidence);
    if (finding !== undefined && this.reported.size < 1_000) this.reported.set(lock, finding);
  }

  /** The oldest waiter and the holder decide. Waiting for a signal or for items is not waiting for a lock. */
  check(lock: Lock, nowNs: number): Evidence<Slow> | undefined {
    const { lockWaitMs, lockHoldMs } = this.world.context.thresholds;
    const waiter: LockWaiter | undefined = lock.waiters.values().next().value;
    if (waiter === undefined || waiter.op !== LockOp.Acquire) return undefined;
    // A semaphore with a long queue that moves is a limit doing its work.
    if (!isExclusive(lock) && lock.frees !== waiter.freesThen) return undefined;
    const holder = lock.holders[0];
    const waitNs = nowNs - waiter.sinceNs;
    const holdNs = holder === undefined ? 0 : nowNs - holder.sinceNs;
    if (waitNs < lockWaitMs * 1e6 && holdNs < lockHoldMs * 1e6) return undefined;
    // The cause is known already: one finding is enough.
    for (const code of ['lock-deadlock', 'lock-reentry', 'lock-abandoned']) if (hasFinding(this.world, lock, code)) return undefined;
    return {
      severity: 'warning',
      task: waiter.task,
      stack: waiter.stack ?? waiter.task.waitStack,
      here: 'it waits here',
      related: [
        { label: `${called(holder?.task)} holds it since here`, stack: holder?.stack, task: holder?.task?.ref },
        { label: 'the holder is here now', stack: holder?.task?.waitStack, task: holder?.task?.ref },
        { label: 'lock made here', stack: lock.creation },
      ],
      key: waiter.stack === undefined ? `${lock.id}` : [waiter.stack.place, holder?.stack?.place].map(placeKey).join('|'),
      about: [lock, waiter.task, holder?.task],
      facts: { lock, waiter, holder, waitNs, holdNs },
    };
  }

  message({ lock, waiter, holder, waitNs, holdNs }: Slow): string {
    const held = holder === undefined ? '' : `, held by ${called(holder.task)}${at(holder.stack)} for ${duration(holdNs)}`;
    const more = lock.waiters.size < 2 ? '' : ` (${lock.waiters.size} tasks wait)`;
    return `Task ${called(waiter.task)} has waited ${duration(waitNs)} for ${lockName(lock)}${at(waiter.stack)}${held}${more}.`;
  }

  advice({ lock }: Slow): string {
    if (!isExclusive(lock))
      return 'Nobody has given back a permit for all that time: look at what the holders wait for, and bound it with a timeout.';
    return 'Narrow the critical section: do slow work (network, disk, sleep) before or after the lock, and bound what must be inside with a timeout.';
  }
}
