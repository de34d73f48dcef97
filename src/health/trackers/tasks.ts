import { AwaitedVia, Outcome, Wait } from '../../shared/wire';
import { BoundedQueue } from '../core/collections';
import { type CancelRecord, outcomeName, type Scope, Task } from '../core/entities';
import type { Context } from '../core/world';
import { AgeList, TaskTree } from './taskTree';

/** Every task: who started it, what it waits for, who waits for it, what it cost, how it ended. */
export class AsyncTaskTracker {
  private readonly byAddress = new Map<number, Task>();
  private readonly finished: BoundedQueue<Task>;
  readonly tree = new TaskTree();
  readonly waiting = new AgeList();
  private nextId = 1;
  created = 0;
  peak = 0;
  readonly outcomes = { done: 0, cancelled: 0, failed: 0, dropped: 0 };
  /** Of all tasks so far, ns. */
  longestStepNs = 0;
  longestStepTask: Task | undefined = undefined;
  private totalLifeNs = 0;
  /** Goes up when a task comes or goes: order of lists changed. */
  structure = 0;

  constructor(private readonly context: Context) {
    this.finished = new BoundedQueue(context.retention.tasks);
  }

  get alive(): number {
    return this.tree.live;
  }

  /** The newest task at that address, also when it has ended. */
  at(address: number): Task | undefined {
    return address === 0 ? undefined : this.byAddress.get(address);
  }

  /** By the model's own id. Linear: for single look-ups of a user. */
  byId(id: number): Task | undefined {
    for (const task of this.byAddress.values()) if (task.id === id) return task;
    for (const task of this.finished) if (task.id === id) return task;
    return undefined;
  }

  /** Those of the given ids that are known. Linear, like {@link byId}; stops when all are found. */
  byIds(ids: ReadonlySet<number>): Task[] {
    const out: Task[] = [];
    for (const task of this.byAddress.values()) {
      if (!ids.has(task.id)) continue;
      out.push(task);
      if (out.length === ids.size) return out;
    }
    for (const task of this.finished) if (ids.has(task.id) && !out.includes(task)) out.push(task);
    return out;
  }

  *living(): IterableIterator<Task> {
    for (const task of this.byAddress.values()) if (!task.ended) yield task;
  }

  /** Finished tasks, newest last. */
  history(limit = Number.POSITIVE_INFINITY): Task[] {
    return this.finished.last(Math.min(limit, this.finished.size));
  }

  create(address: number, t: number, creatorAddress: number, coroutineId: number, stackId: number): void {
    const { context } = this;
    const coroutine = context.defs.string(coroutineId);
    const known = this.byAddress.get(address);
    if (known !== undefined && !known.ended) {
      if (context.inSync && (known.coroutine === coroutine || coroutine === '' || known.coroutine === '')) {
        known.seen = context.syncEpoch;
        if (known.coroutine === '') known.coroutine = coroutine;
        if (known.creation === undefined) known.creation = context.defs.stack(stackId);
        return;
      }
      // Its end was lost (a gap in the stream): the address speaks for another task now.
      this.finish(known, t, Outcome.Dropped, true);
    }
    if (this.tree.live >= context.retention.live) {
      context.untracked++;
      return;
    }
    const task = new Task(this.nextId++, address, coroutine, context.defs.stack(stackId), t);
    task.seen = context.syncEpoch;
    const creator = creatorAddress === address ? undefined : this.at(creatorAddress);
    if (creator !== undefined) task.creator = creator.ref;
    this.byAddress.set(address, task);
    this.tree.attach(task, creator);
    this.created++;
    this.structure++;
    if (this.tree.live > this.peak) this.peak = this.tree.live;
  }

  end(address: number, t: number, exceptionId: number, outcome: number, stackId: number): void {
    const task = this.byAddress.get(address);
    if (task === undefined || task.ended) return;
    if (exceptionId !== 0) task.exception = this.context.defs.string(exceptionId);
    task.failure = this.context.defs.stack(stackId);
    this.finish(task, t, outcome >= 0 && outcome <= 3 ? outcome : Outcome.Ok, false);
  }

  /** `silent`: the model infers it, nothing was seen to go wrong. */
  private finish(task: Task, t: number, outcome: Outcome, silent: boolean): void {
    task.endedNs = Math.max(t, task.createdNs);
    task.outcome = outcome;
    this.outcomes[outcomeName(outcome)]++;
    this.totalLifeNs += task.endedNs - task.createdNs;
    this.waiting.remove(task);
    this.setWaitTask(task, undefined);
    task.waitStack = undefined;
    if (task.group !== undefined) {
      task.group.members?.delete(task);
      if (outcome === Outcome.Failed && task.group.active) task.group.failedMember = task;
    }
    this.tree.end(task);
    this.structure++;
    if (task.cancel !== undefined && outcome === Outcome.Cancelled) task.cancel.settled = true;
    if (!silent) this.context.signals.taskEnd.emit(task, outcome);
    task.awaiters = undefined;
    const out = this.finished.push(task);
    if (out !== undefined) this.forget(out);
  }

  private forget(task: Task): void {
    this.tree.remove(task);
    task.group = undefined;
    task.awaitedBy = undefined;
    task.starter = undefined;
    task.scopes = undefined;
    task.holds = undefined;
    if (task.cancel !== undefined) task.cancel.scope = undefined;
    if (this.byAddress.get(task.address) === task) this.byAddress.delete(task.address);
  }

  name(address: number, nameId: number): void {
    this.byAddress.get(address)?.rename(this.context.defs.string(nameId));
  }

  setLoop(address: number, loop: number): void {
    const task = this.byAddress.get(address);
    if (task !== undefined) task.loop = loop;
  }

  group(address: number, scope: Scope | undefined): void {
    const task = this.byAddress.get(address);
    if (task === undefined || task.ended || scope === undefined || task.group === scope) return;
    task.group?.members?.delete(task);
    task.group = scope;
    if (scope.members === undefined) scope.members = new Set();
    scope.members.add(task);
    const host = scope.host;
    // A host that is forgotten is out of the tree.
    if (host?.parent === undefined || host === task || task.parent === undefined) return;
    const starter = task.parent;
    if (starter !== this.tree.root && starter !== host && !this.tree.isBelow(starter, host)) task.starter = starter;
    this.tree.move(task, host);
  }

  wait(address: number, t: number, object: number, kind: number, stackId: number): void {
    const task = this.byAddress.get(address);
    if (task === undefined || task.ended) return;
    const stack = this.context.defs.stack(stackId);
    if (kind !== task.wait || object !== task.waitObject || stack !== task.waitStack) {
      task.waitSeq++;
      task.waitSinceNs = t;
      task.wait = kind;
      task.waitObject = object;
      task.waitStack = stack;
    }
    const target = kind === Wait.Task ? this.at(object) : undefined;
    this.setWaitTask(task, target === task ? undefined : target);
    if (kind === Wait.Running || kind === Wait.Ready) this.waiting.remove(task);
    else this.waiting.touch(task);
    this.context.signals.taskWait.emit(task);
  }

  private setWaitTask(task: Task, target: Task | undefined): void {
    if (task.waitTask === target) return;
    const old = task.waitTask?.awaiters;
    if (old !== undefined) {
      const at = old.indexOf(task);
      if (at >= 0) old.splice(at, 1);
    }
    task.waitTask = target;
    if (target === undefined) return;
    if (target.awaiters === undefined) target.awaiters = [task];
    else if (target.awaiters.length < 32) target.awaiters.push(task);
  }

  /** The probe looked: nothing alive can reach what it waits for (or something can again). */
  unreachable(address: number, yes: boolean): void {
    const task = this.byAddress.get(address);
    if (task === undefined || task.ended) return;
    task.unreachableSeq = yes ? task.waitSeq : -1;
    this.context.signals.taskUnreachable.emit(task);
  }

  awaitedBy(address: number, by: number, via: number): void {
    const task = this.byAddress.get(address);
    if (task === undefined) return;
    task.awaitedBy = by === 0 || by === address ? undefined : this.at(by);
    task.awaitedVia = task.awaitedBy === undefined ? AwaitedVia.None : via;
  }

  steps(address: number, steps: number, busyNs: number, longestNs: number): void {
    const task = this.byAddress.get(address);
    if (task === undefined) return;
    task.steps = steps;
    task.busyNs = busyNs;
    task.longestStepNs = longestNs;
    if (longestNs > this.longestStepNs) {
      this.longestStepNs = longestNs;
      this.longestStepTask = task;
    }
  }

  scheduling(address: number, waits: number, totalNs: number, longestNs: number): void {
    const task = this.byAddress.get(address);
    if (task === undefined) return;
    task.waits = waits;
    task.schedNs = totalNs;
    task.longestSchedNs = longestNs;
  }

  cancel(address: number, t: number, byAddress: number, scope: Scope | undefined, stackId: number): void {
    const task = this.byAddress.get(address);
    if (task === undefined || task.ended) return;
    const by = this.at(byAddress);
    const stack = this.context.defs.stack(stackId);
    const record = this.cancelRecord(task, t);
    record.requests++;
    if (record.requests === 1 || scope !== undefined) {
      record.by = by?.ref;
      record.scope = scope;
      record.reason = scope?.cancelled?.reason;
      record.stack = stack ?? scope?.cancelled?.stack;
    }
    this.context.signals.taskCancel.emit(task, by, scope, stack);
  }

  cancelReason(address: number, textId: number): void {
    const record = this.byAddress.get(address)?.cancel;
    if (record !== undefined) record.message = this.context.defs.string(textId);
  }

  delivered(address: number, t: number, scope: Scope | undefined): void {
    const task = this.byAddress.get(address);
    if (task === undefined || task.ended) return;
    const record = this.cancelRecord(task, t);
    record.scope ??= scope;
    if (record.deliveredNs >= 0) return;
    record.deliveredNs = t;
    record.stepsThen = task.steps;
    this.context.signals.taskDelivered.emit(task);
  }

  private cancelRecord(task: Task, t: number): CancelRecord {
    if (task.cancel !== undefined && !task.cancel.settled) return task.cancel;
    task.cancel = {
      atNs: t,
      by: undefined,
      scope: undefined,
      reason: undefined,
      stack: undefined,
      message: '',
      requests: 0,
      deliveredNs: -1,
      stepsThen: 0,
      inLibrary: false,
      reported: false,
      settled: false,
    };
    return task.cancel;
  }

  uncancel(address: number, remaining: number): void {
    const record = this.byAddress.get(address)?.cancel;
    if (record !== undefined && remaining <= 0) record.settled = true;
  }

  /** After a restatement: what it did not name has ended unseen. */
  sweep(t: number): void {
    for (const task of this.living()) if (task.seen !== this.context.syncEpoch) this.finish(task, t, Outcome.Dropped, true);
  }

  statistics(): Record<string, unknown> {
    const ended = this.outcomes.done + this.outcomes.cancelled + this.outcomes.failed + this.outcomes.dropped;
    return {
      created: this.created,
      alive: this.alive,
      peak: this.peak,
      ...this.outcomes,
      mean_life_ms: ended === 0 ? 0 : round(this.totalLifeNs / ended / 1e6),
      longest_step_ms: round(this.longestStepNs / 1e6),
      longest_step_task: this.longestStepTask?.label ?? null,
    };
  }
}

export function round(value: number, digits = 3): number {
  const factor = 10 ** digits;
  return Math.round(value * factor) / factor;
}
