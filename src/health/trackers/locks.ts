import { LockKind, LockOp, Wait } from '../../shared/wire';
import type { Stack } from '../core/definitions';
import { Lock, type LockWaiter, type Task } from '../core/entities';
import type { Context } from '../core/world';
import { round } from './tasks';

const MAX_GETTERS = 1_000;
const MAX_HOLDERS = 10_000;

/** Locks, semaphores, conditions, events, barriers, queues and channels: who holds, who waits, for how long. */
export class LockMonitor {
  private readonly byAddress = new Map<number, Lock>();
  private readonly twins = new WeakMap<Stack, { alive: number; made: number }>();
  private nextId = 1;
  structure = 0;
  created = 0;
  acquisitions = 0;
  contended = 0;
  failedWaits = 0;
  longestHoldNs = 0;
  longestWaitNs = 0;
  longestHold = '';
  longestWait = '';
  waitersNow = 0;

  constructor(
    private readonly context: Context,
    private readonly task: (address: number) => Task | undefined,
  ) {
    context.signals.taskEnd.on((task) => {
      if (task.lockWait !== undefined) this.stopWaiting(task.lockWait, task.endedNs, false);
    });
    context.signals.taskWait.on((task) => {
      if (task.wait === Wait.QueueGet && task.waitObject !== 0) {
        const queue = this.byAddress.get(task.waitObject);
        if (queue !== undefined) addGetter(queue, task);
      }
    });
  }

  get size(): number {
    return this.byAddress.size;
  }

  at(address: number): Lock | undefined {
    return address === 0 ? undefined : this.byAddress.get(address);
  }

  all(): IterableIterator<Lock> {
    return this.byAddress.values();
  }

  create(address: number, t: number, creator: number, kind: number, stackId: number): void {
    const { context } = this;
    const known = this.byAddress.get(address);
    const stack = context.defs.stack(stackId);
    if (known !== undefined) {
      if (known.kind === kind || known.kind === LockKind.Other) {
        // The same one, seen first through a wait; or restated.
        if (context.inSync || known.creation === undefined) {
          known.kind = kind;
          if (known.creation === undefined) this.madeAt(known, stack);
          known.seen = context.syncEpoch;
          return;
        }
      }
      this.drop(known, t);
    }
    const lock = this.add(address, t, kind);
    if (lock === undefined) return;
    lock.creator = this.task(creator);
    this.madeAt(lock, stack);
  }

  private madeAt(lock: Lock, stack: Stack | undefined): void {
    lock.creation = stack;
    if (stack === undefined) return;
    let twins = this.twins.get(stack);
    if (twins === undefined) {
      twins = { alive: 0, made: 0 };
      this.twins.set(stack, twins);
    }
    twins.alive++;
    lock.twins = twins;
    lock.number = ++twins.made;
  }

  private add(address: number, t: number, kind: number): Lock | undefined {
    if (this.byAddress.size >= this.context.retention.live) {
      this.context.untracked++;
      return undefined;
    }
    const lock = new Lock(this.nextId++, address, kind, undefined, undefined, t);
    lock.seen = this.context.syncEpoch;
    this.byAddress.set(address, lock);
    this.created++;
    this.structure++;
    return lock;
  }

  /** Rows about a lock whose creation was not seen (before the probe, or in a full buffer) make it known. */
  private known(address: number, t: number): Lock | undefined {
    if (address === 0) return undefined;
    const lock = this.byAddress.get(address) ?? this.add(address, t, LockKind.Other);
    if (lock !== undefined) lock.seen = this.context.syncEpoch;
    return lock;
  }

  meta(address: number, t: number, capacity: number, nameId: number, loop: number): void {
    const lock = this.known(address, t);
    if (lock === undefined) return;
    if (capacity >= 0) lock.capacity = capacity;
    if (nameId !== 0) lock.name = this.context.defs.string(nameId);
    if (loop !== 0) lock.loop = loop;
  }

  wait(address: number, t: number, taskAddress: number, op: number, stackId: number): void {
    const lock = this.known(address, t);
    const task = this.task(taskAddress);
    if (lock === undefined || task === undefined || task.ended) return;
    const before = task.lockWait;
    if (before !== undefined) {
      if (before.lock === lock && before.op === op && this.context.inSync) return;
      this.stopWaiting(before, t, false);
    }
    const stack = this.context.defs.stack(stackId);
    const waiter: LockWaiter = { lock, task, op: op as LockOp, sinceNs: t, stack, freesThen: lock.frees };
    lock.firstPlace ??= stack;
    lock.waiters.set(task, waiter);
    task.lockWait = waiter;
    task.waitSeq++;
    this.waitersNow++;
    lock.contended++;
    this.contended++;
    if (op === LockOp.Get) addGetter(lock, task);
    this.context.signals.lockWait.emit(waiter);
  }

  waitEnd(address: number, t: number, taskAddress: number, failed: boolean): void {
    const lock = this.byAddress.get(address);
    const task = this.task(taskAddress);
    const waiter = task === undefined ? undefined : lock?.waiters.get(task);
    if (waiter !== undefined) this.stopWaiting(waiter, t, !failed);
  }

  /** Waits that came and went between two looks of the probe: counted, not told one by one. Cumulative. */
  shortWaits(address: number, t: number, waits: number, longestNs: number, failed: number): void {
    const lock = this.known(address, t);
    if (lock === undefined) return;
    // A lower number is a new count: the probe began anew.
    const more = waits - (waits >= lock.shortWaits ? lock.shortWaits : 0);
    const inVain = failed - (waits >= lock.shortWaits ? lock.shortFailed : 0);
    lock.shortWaits = waits;
    lock.shortFailed = failed;
    lock.contended += more;
    lock.acquisitions += more - inVain;
    lock.frees += more - inVain;
    this.contended += more;
    this.acquisitions += more - inVain;
    this.failedWaits += inVain;
    this.noteWait(lock, longestNs);
  }

  private noteWait(lock: Lock, ns: number): void {
    if (ns > lock.longestWaitNs) lock.longestWaitNs = ns;
    if (ns > this.longestWaitNs) {
      this.longestWaitNs = ns;
      this.longestWait = lock.label;
    }
  }

  private stopWaiting(waiter: LockWaiter, t: number, granted: boolean): void {
    const { lock, task } = waiter;
    lock.waiters.delete(task);
    if (task.lockWait === waiter) task.lockWait = undefined;
    task.waitSeq++;
    this.waitersNow--;
    if (!granted) {
      this.failedWaits++;
      lock.lastFailed = waiter;
    }
    const ns = Math.max(0, t - waiter.sinceNs);
    if (waiter.op === LockOp.Acquire) this.noteWait(lock, ns);
    this.context.signals.lockWaitEnd.emit(waiter, granted);
  }

  hold(address: number, t: number, taskAddress: number, stackId: number): void {
    const lock = this.known(address, t);
    if (lock === undefined) return;
    const task = this.task(taskAddress);
    if (this.context.inSync && lock.holders.some((holder) => holder.task === task)) return;
    const stack = this.context.defs.stack(stackId);
    if (isExclusive(lock) && lock.holders.length > 0 && lock.holders[0]!.task !== task) this.clearHolders(lock, t);
    if (lock.holders.length >= MAX_HOLDERS) return;
    lock.firstPlace ??= stack;
    lock.holders.push({ task, sinceNs: t, stack });
    if (task !== undefined) {
      if (task.holds === undefined) task.holds = [lock];
      else task.holds.push(lock);
      const waiter = lock.waiters.get(task);
      if (waiter !== undefined) this.stopWaiting(waiter, t, true);
    }
    lock.acquisitions++;
    this.acquisitions++;
    this.context.signals.lockHold.emit(lock, task);
  }

  free(address: number, t: number, taskAddress: number): void {
    const lock = this.byAddress.get(address);
    if (lock === undefined) return;
    const task = this.task(taskAddress);
    let at = lock.holders.findIndex((holder) => holder.task === task);
    if (at < 0) at = 0;
    this.removeHolder(lock, at, t);
    lock.frees++;
    this.context.signals.lockFree.emit(lock);
  }

  place(address: number, taskAddress: number, stackId: number): void {
    const lock = this.byAddress.get(address);
    const holder = lock?.holders.find((one) => one.task?.address === taskAddress);
    if (lock === undefined || holder === undefined || holder.stack !== undefined) return;
    holder.stack = this.context.defs.stack(stackId);
    lock.firstPlace ??= holder.stack;
    this.context.signals.lockPlace.emit(lock, holder);
  }

  private removeHolder(lock: Lock, at: number, t: number): void {
    const holder = lock.holders[at];
    if (holder === undefined) return;
    lock.holders.splice(at, 1);
    const ns = Math.max(0, t - holder.sinceNs);
    if (ns > lock.longestHoldNs) lock.longestHoldNs = ns;
    if (ns > this.longestHoldNs) {
      this.longestHoldNs = ns;
      this.longestHold = lock.label;
    }
    const holds = holder.task?.holds;
    if (holds === undefined) return;
    const held = holds.indexOf(lock);
    if (held >= 0) holds.splice(held, 1);
    if (holds.length === 0) holder.task!.holds = undefined;
  }

  private clearHolders(lock: Lock, t: number): void {
    while (lock.holders.length > 0) this.removeHolder(lock, lock.holders.length - 1, t);
  }

  reentry(address: number, t: number, taskAddress: number, refused: boolean, stackId: number): void {
    const lock = this.known(address, t);
    if (lock === undefined) return;
    this.context.signals.lockReentry.emit(lock, this.task(taskAddress), this.context.defs.stack(stackId), refused);
  }

  state(address: number, t: number, holderAddress: number, value: number, unfinished: number): void {
    const lock = this.known(address, t);
    if (lock === undefined) return;
    lock.value = value < 0 ? undefined : value;
    if (unfinished !== lock.unfinished) {
      lock.unfinished = unfinished;
      lock.unfinishedSinceNs = t;
    }
    if (isExclusive(lock)) {
      const free = holderAddress === 0 && value > 0;
      if (lock.sampled?.free !== free) lock.sampled = { free, atNs: t };
      // Owner events that were lost are repaired by the sample.
      if (free && lock.holders.length > 0) this.clearHolders(lock, t);
      const holder = this.task(holderAddress);
      if (holder !== undefined && lock.holders.length === 0 && !holder.ended) {
        lock.holders.push({ task: holder, sinceNs: t, stack: undefined });
        if (holder.holds === undefined) holder.holds = [lock];
        else holder.holds.push(lock);
      }
    }
    this.context.signals.lockState.emit(lock);
  }

  forget(address: number, t: number): void {
    const lock = this.byAddress.get(address);
    if (lock !== undefined) this.drop(lock, t);
  }

  private drop(lock: Lock, t: number): void {
    lock.gone = true;
    if (lock.twins !== undefined) lock.twins.alive--;
    for (const waiter of [...lock.waiters.values()]) this.stopWaiting(waiter, t, false);
    this.clearHolders(lock, t);
    if (this.byAddress.get(lock.address) === lock) this.byAddress.delete(lock.address);
    this.structure++;
    this.context.signals.lockGone.emit(lock);
  }

  sweep(t: number): void {
    for (const lock of [...this.byAddress.values()]) if (lock.seen !== this.context.syncEpoch) this.drop(lock, t);
  }

  statistics(): Record<string, unknown> {
    return {
      created: this.created,
      alive: this.size,
      acquisitions: this.acquisitions,
      contended: this.contended,
      failed_waits: this.failedWaits,
      waiting: this.waitersNow,
      longest_hold_ms: round(this.longestHoldNs / 1e6),
      longest_hold: this.longestHold || null,
      longest_wait_ms: round(this.longestWaitNs / 1e6),
      longest_wait: this.longestWait || null,
    };
  }
}

/** One holder at a time, and it is that holder who releases. */
export function isExclusive(lock: Lock): boolean {
  return lock.kind === LockKind.Lock || lock.kind === LockKind.RLock || lock.kind === LockKind.Monitored;
}

function addGetter(queue: Lock, task: Task): void {
  if (queue.getters === undefined) queue.getters = new Set();
  if (queue.getters.size >= MAX_GETTERS) {
    for (const getter of queue.getters) if (getter.ended) queue.getters.delete(getter);
    if (queue.getters.size >= MAX_GETTERS) return;
  }
  queue.getters.add(task);
}
