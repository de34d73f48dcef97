import { CancelReason, ExitFlag, ScopeFlag, type ScopeKind } from '../../shared/wire';
import { BoundedQueue } from '../core/collections';
import type { Stack } from '../core/definitions';
import { cancelReasonName, Scope, type ScopeExitRecord, type Task } from '../core/entities';
import { longPlace } from '../core/places';
import type { Context } from '../core/world';
import { round } from './tasks';

/** One entry of {@link CancelScopeTracker.recentEvents}. */
export interface ScopeEvent {
  atMs: number;
  what: 'enter' | 'exit' | 'cancel' | 'lost';
  scope: number;
  type: string;
  task: string;
  place: string;
  /** Of an exit: what was wrong with it. */
  violation?: string;
}

/** A scope that was not entered and left by one task in order. */
export interface ScopeViolation {
  scope: Scope;
  kind: 'cross-task-exit' | 'out-of-order-exit' | 'host-ended';
  task: Task | undefined;
  stack: Stack | undefined;
}

interface RawEvent {
  t: number;
  what: ScopeEvent['what'];
  scope: Scope;
  task: Task | undefined;
  stack: Stack | undefined;
  flags: number;
}

/** Every cancel scope, timeout, task group and nursery: who entered, who left, who cancelled it and why. */
export class CancelScopeTracker {
  private readonly byAddress = new Map<number, Scope>();
  private readonly exited: BoundedQueue<Scope>;
  private readonly events: BoundedQueue<RawEvent>;
  private readonly violations = new BoundedQueue<ScopeViolation>(200);
  private nextId = 1;
  structure = 0;
  active = 0;
  peak = 0;
  entered = 0;
  exits = 0;
  cancelled = 0;
  timedOut = 0;
  lost = 0;
  crossTask = 0;
  outOfOrder = 0;
  deliveries = 0;
  private totalOpenNs = 0;
  private spare: RawEvent | undefined;

  constructor(
    private readonly context: Context,
    private readonly task: (address: number) => Task | undefined,
  ) {
    this.exited = new BoundedQueue(context.retention.scopes);
    this.events = new BoundedQueue(context.retention.events);
    context.signals.taskEnd.on((ended) => this.hostEnded(ended));
  }

  /** The newest scope at that address, also when it was left. */
  at(address: number): Scope | undefined {
    return address === 0 ? undefined : this.byAddress.get(address);
  }

  *open(): IterableIterator<Scope> {
    for (const scope of this.byAddress.values()) if (scope.active) yield scope;
  }

  history(limit = Number.POSITIVE_INFINITY): Scope[] {
    return this.exited.last(Math.min(limit, this.exited.size));
  }

  enter(address: number, t: number, hostAddress: number, kind: number, stackId: number): void {
    const { context } = this;
    const host = this.task(hostAddress);
    const stack = context.defs.stack(stackId);
    const known = this.byAddress.get(address);
    if (known?.active) {
      if (context.inSync && known.host === host) {
        known.seen = context.syncEpoch;
        known.entered ??= stack;
        return;
      }
      this.close(known, t);
    }
    if (this.active >= context.retention.live) {
      context.untracked++;
      return;
    }
    const scope = new Scope(this.nextId++, address, kind as ScopeKind, host, stack, t);
    scope.seen = context.syncEpoch;
    this.byAddress.set(address, scope);
    if (host !== undefined) {
      if (host.scopes === undefined) host.scopes = [scope];
      else {
        scope.parent = host.scopes[host.scopes.length - 1];
        host.scopes.push(scope);
      }
    }
    if (scope.parent === undefined) scope.parent = host?.group;
    this.active++;
    this.entered++;
    this.structure++;
    if (this.active > this.peak) this.peak = this.active;
    this.record(t, 'enter', scope, host, stack, 0);
  }

  /** The exit has begun, and the probe calls it a misuse. */
  leaving(address: number, t: number, byAddress: number, flags: number, stackId: number): void {
    const scope = this.byAddress.get(address);
    if (scope === undefined || !scope.active) return;
    this.judge(scope, { atNs: t, by: this.task(byAddress), flags, stack: this.context.defs.stack(stackId) });
  }

  exit(address: number, t: number, byAddress: number, flags: number, stackId: number): void {
    const scope = this.byAddress.get(address);
    if (scope === undefined || !scope.active) return;
    const by = this.task(byAddress);
    const stack = this.context.defs.stack(stackId);
    scope.exit = { atNs: t, by, flags, stack };
    if (flags & ExitFlag.CancelledCaught) this.absorbed(scope);
    this.exits++;
    this.judge(scope, scope.exit);
    this.record(t, 'exit', scope, by, stack, flags);
    this.release(scope, t);
    this.context.signals.scopeExit.emit(scope);
    scope.members = undefined;
  }

  private judge(scope: Scope, exit: ScopeExitRecord): void {
    const crosses = isCrossTask(scope, exit);
    if (scope.misuse !== undefined || !(crosses || exit.flags & ExitFlag.OutOfOrder)) return;
    scope.misuse = exit;
    if (crosses) this.crossTask++;
    else this.outOfOrder++;
    this.violations.push({ scope, kind: crosses ? 'cross-task-exit' : 'out-of-order-exit', task: exit.by, stack: exit.stack });
    this.context.signals.scopeMisuse.emit(scope, exit);
  }

  /** Its members' cancellation was its own doing and is over. */
  private absorbed(scope: Scope): void {
    const record = scope.host?.cancel;
    if (record !== undefined && (record.scope === undefined || record.scope === scope)) record.settled = true;
  }

  requestCancel(address: number, t: number, byAddress: number, reason: number, stackId: number): void {
    const scope = this.byAddress.get(address);
    if (scope === undefined || scope.cancelled !== undefined) return;
    const by = this.task(byAddress);
    const stack = this.context.defs.stack(stackId);
    scope.cancelled = { reason: reason as CancelReason, by, stack, message: '', atNs: t };
    this.cancelled++;
    if (reason === CancelReason.Deadline) this.timedOut++;
    this.record(t, 'cancel', scope, by, stack, 0);
    this.context.signals.scopeCancel.emit(scope);
  }

  cancelReason(address: number, textId: number): void {
    const cancelled = this.byAddress.get(address)?.cancelled;
    if (cancelled !== undefined) cancelled.message = this.context.defs.string(textId);
  }

  meta(address: number, parent: number, deadlineNs: number, flags: number): void {
    const scope = this.byAddress.get(address);
    if (scope === undefined) return;
    const above = this.at(parent);
    if (above !== undefined && above !== scope) scope.parent = above;
    scope.deadlineNs = deadlineNs;
    scope.shield = (flags & ScopeFlag.Shield) !== 0;
    if (flags & ScopeFlag.CancelCalled && scope.cancelled === undefined) {
      scope.cancelled = { reason: CancelReason.Explicit, by: undefined, stack: undefined, message: '', atNs: this.context.nowNs };
    }
  }

  delivered(address: number, count: number): void {
    const scope = this.byAddress.get(address);
    if (scope === undefined || count <= scope.deliveries) return;
    const before = scope.deliveries;
    scope.deliveries = count;
    this.deliveries += count - before;
    this.context.signals.scopeDeliveries.emit(scope, before);
  }

  name(address: number, nameId: number): void {
    const scope = this.byAddress.get(address);
    if (scope !== undefined) scope.name = this.context.defs.string(nameId);
  }

  lose(address: number, t: number): void {
    const scope = this.byAddress.get(address);
    if (scope === undefined || !scope.active) return;
    this.lost++;
    this.record(t, 'lost', scope, undefined, undefined, 0);
    this.close(scope, t);
    this.context.signals.scopeLost.emit(scope);
  }

  sweep(t: number): void {
    for (const scope of this.open()) if (scope.seen !== this.context.syncEpoch) this.close(scope, t);
  }

  private hostEnded(task: Task): void {
    if (task.scopes === undefined) return;
    for (const scope of task.scopes.slice()) {
      this.violations.push({ scope, kind: 'host-ended', task, stack: scope.entered });
      this.context.signals.scopeOrphaned.emit(scope);
    }
  }

  private close(scope: Scope, t: number): void {
    scope.lost = true;
    this.release(scope, t);
  }

  /** No longer open: out of its host's stack, into the history. */
  private release(scope: Scope, t: number): void {
    this.active--;
    this.structure++;
    this.totalOpenNs += Math.max(0, t - scope.enteredNs);
    const stack = scope.host?.scopes;
    if (stack !== undefined) {
      const at = stack.lastIndexOf(scope);
      if (at >= 0) stack.splice(at, 1);
      if (stack.length === 0) scope.host!.scopes = undefined;
    }
    if (scope.generator !== undefined) {
      scope.generator.scopes?.delete(scope);
    }
    const out = this.exited.push(scope);
    if (out === undefined) return;
    out.parent = undefined;
    out.members = undefined;
    out.failedMember = undefined;
    if (this.byAddress.get(out.address) === out) this.byAddress.delete(out.address);
  }

  private record(t: number, what: ScopeEvent['what'], scope: Scope, task: Task | undefined, stack: Stack | undefined, flags: number): void {
    // The entry that falls out is written anew: no garbage per event.
    const event = this.spare ?? { t, what, scope, task, stack, flags };
    event.t = t;
    event.what = what;
    event.scope = scope;
    event.task = task;
    event.stack = stack;
    event.flags = flags;
    this.spare = this.events.push(event);
  }

  /** Scopes left by another task or out of order, and open ones whose host has ended; newest last. */
  checkCrossTaskViolations(): ScopeViolation[] {
    return [...this.violations].filter((violation) => violation.kind !== 'host-ended' || violation.scope.active);
  }

  recentEvents(limit = 50): ScopeEvent[] {
    return this.events.last(limit).map((event) => {
      const place = event.stack?.place;
      const out: ScopeEvent = {
        atMs: round(event.t / 1e6),
        what: event.what,
        scope: event.scope.id,
        type: event.scope.type,
        task: event.task?.label ?? '',
        place: place === undefined ? '' : longPlace(place),
      };
      const { exit } = event.scope;
      if (event.what === 'exit' && exit !== undefined && isCrossTask(event.scope, exit)) out.violation = 'cross-task-exit';
      else if (event.flags & ExitFlag.OutOfOrder) out.violation = 'out-of-order-exit';
      return out;
    });
  }

  statistics(): Record<string, unknown> {
    return {
      entered: this.entered,
      exited: this.exits,
      active: this.active,
      peak: this.peak,
      cancelled: this.cancelled,
      timed_out: this.timedOut,
      lost: this.lost,
      cross_task_exits: this.crossTask,
      out_of_order_exits: this.outOfOrder,
      deliveries: this.deliveries,
      mean_open_ms: this.exits === 0 ? 0 : round(this.totalOpenNs / this.exits / 1e6),
    };
  }

  /** A few lines for people. */
  report(): string {
    const lines = [
      `Cancel scopes: ${this.entered} entered, ${this.exits} left, ${this.active} open, ${this.cancelled} cancelled (${this.timedOut} by deadline)`,
    ];
    for (const violation of this.checkCrossTaskViolations().slice(-20)) {
      const { scope } = violation;
      const entered = scope.entered?.place;
      lines.push(
        `  ${violation.kind}: ${scope.type}${scope.name ? ` "${scope.name}"` : ''} entered by ${scope.host?.label ?? '?'}` +
          `${entered === undefined ? '' : ` at ${longPlace(entered)}`}, ${violation.kind === 'host-ended' ? 'still open after that task ended' : `left by ${violation.task?.label ?? 'no task'}`}` +
          `${scope.cancelled === undefined ? '' : `; ${cancelReasonName(scope.cancelled.reason)}`}`,
      );
    }
    return lines.join('\n');
  }
}

/** Left by a task that did not enter it. The probe's own comparison counts even where a task is not known. */
export function isCrossTask(scope: Scope, exit: ScopeExitRecord): boolean {
  if (exit.flags & ExitFlag.CrossTask) return true;
  return exit.by !== undefined && scope.host !== undefined && exit.by !== scope.host;
}
