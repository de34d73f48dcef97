import type { Finding } from '../../shared/findings';
import { CancelReason, Outcome, ScopeKind, Wait } from '../../shared/wire';
import { DelayQueue } from '../core/collections';
import type { Stack } from '../core/definitions';
import { type CancelRecord, SCOPE_LIBRARIES, type Scope, type Task } from '../core/entities';
import type { Environment } from '../core/environment';
import { placeKey } from '../core/places';
import { at, called, Detector, duration, type Evidence, type World } from './detector';
import { scopeName } from './scopeExit';

/** A burst (one cancellation of very many tasks) is over sooner than this, ns. */
const SPIN_MIN_NS = 300e6;
/** anyio before this re-delivered on every turn in cases where nobody can take it. */
const ANYIO_SPIN_FIXED = '4.14.2';

interface Spin {
  scope: Scope;
  perSecond: number;
  /** Who was inside when it was found; they may be gone when the words are revised. */
  inside: string[];
}

interface SpinWatch {
  sinceNs: number;
  count: number;
  hotNs: number;
  inside: string[];
  finding: Finding | undefined;
}

/** A cancellation is delivered over and over and burns a core. Error. */
export class CancelSpin extends Detector<Spin> {
  readonly code = 'cancel-spin';
  private readonly watched = new Map<Scope, SpinWatch>();

  constructor(world: World) {
    super(world);
    const { signals } = world.context;
    signals.scopeDeliveries.on((scope, before) => this.sample(scope, before));
    signals.scopeExit.on((scope) => this.over(scope));
    signals.scopeLost.on((scope) => this.over(scope));
  }

  private sample(scope: Scope, before: number): void {
    const nowNs = this.nowNs;
    let watch = this.watched.get(scope);
    if (watch === undefined) {
      if (this.watched.size > 10_000) return;
      watch = { sinceNs: Math.max(scope.cancelled?.atNs ?? 0, scope.enteredNs), count: before, hotNs: 0, inside: [], finding: undefined };
      this.watched.set(scope, watch);
    }
    const elapsed = nowNs - watch.sinceNs;
    if (elapsed < 50e6) return;
    const perSecond = ((scope.deliveries - watch.count) / elapsed) * 1e9;
    watch.sinceNs = nowNs;
    watch.count = scope.deliveries;
    watch.hotNs = perSecond >= this.world.context.thresholds.cancelSpinPerSecond ? watch.hotNs + elapsed : 0;
    if (watch.hotNs < SPIN_MIN_NS) return;
    if (watch.finding === undefined) {
      const evidence = this.check(scope, perSecond);
      watch.inside = evidence.facts.inside;
      watch.finding = this.raise(evidence);
    } else this.world.store.revise(watch.finding, this.message({ scope, perSecond, inside: watch.inside }));
  }

  override look(nowNs: number): void {
    for (const [scope, watch] of this.watched) {
      if (nowNs - watch.sinceNs < 2e9) continue;
      this.world.store.resolve(watch.finding);
      this.watched.delete(scope);
    }
  }

  private over(scope: Scope): void {
    const watch = this.watched.get(scope);
    if (watch === undefined) return;
    this.world.store.resolve(watch.finding);
    this.watched.delete(scope);
  }

  check(scope: Scope, perSecond: number): Evidence<Spin> {
    return {
      severity: 'error',
      task: scope.host,
      stack: scope.entered,
      here: 'scope entered here',
      related: [
        { label: 'cancelled here', stack: scope.cancelled?.stack, task: scope.cancelled?.by?.ref },
        ...members(scope)
          .slice(0, 5)
          .map((task) => ({ label: `member ${called(task)} is here`, stack: task.waitStack, task: task.ref })),
      ],
      // Its members come and go; the scope is the place.
      key: placeKey(scope.entered?.place) || `${scope.id}`,
      about: [scope, scope.host, ...members(scope).slice(0, 5)],
      facts: {
        scope,
        perSecond,
        inside: members(scope)
          .slice(0, 3)
          .map((task) => called(task)),
      },
    };
  }

  message({ scope, perSecond, inside }: Spin): string {
    const who = inside.length === 0 ? '' : `; still inside: ${inside.join(', ')}`;
    return `The cancellation of ${scopeName(scope)} entered by task ${called(scope.host)}${at(scope.entered)} is delivered again and again, about ${Math.round(perSecond).toLocaleString('en')} times a second${who}.`;
  }

  advice({ scope }: Spin, env: Environment): string {
    const repair =
      'Find the task that does not leave (it swallows the cancellation, or the scope was left by another task) and repair that first.';
    if (SCOPE_LIBRARIES[scope.kind] !== 'anyio') return repair;
    const running = env.libraries.anyio;
    if (env.olderThan('anyio', ANYIO_SPIN_FIXED))
      return `${repair} Also upgrade anyio (${running}) to ${ANYIO_SPIN_FIXED} or later, which no longer spins in one family of these cases.`;
    return running === undefined ? repair : `${repair} anyio ${running} has the known fixes, so the cause is in the program.`;
  }
}

function members(scope: Scope): Task[] {
  const out: Task[] = [];
  for (const task of scope.members ?? []) {
    if (!task.ended) out.push(task);
    if (out.length >= 20) break;
  }
  return out;
}

interface Foreign {
  scope: Scope;
  child: Task;
  victim: Task | undefined;
}

/** A scope opened by one component cancels a task of another: a child that somebody else started there failed. Warning. */
export class ForeignCancel extends Detector<Foreign> {
  readonly code = 'foreign-cancel';

  constructor(world: World) {
    super(world);
    world.context.signals.scopeCancel.on((scope) => this.raise(this.check(scope)));
  }

  /** The one who started the failing child is neither the scope's host nor below it. */
  check(scope: Scope): Evidence<Foreign> | undefined {
    const cause = scope.cancelled;
    if (cause === undefined || (cause.reason !== CancelReason.ChildFailed && cause.by?.group !== scope)) return undefined;
    const child = cause.by?.group === scope ? cause.by : scope.failedMember;
    if (child?.starter === undefined || child.starter === scope.host || cause.by === scope.host) return undefined;
    // Started by a library on somebody's behalf (a call from a thread arrives in trio's system task): who asked is not known.
    if (child.creation !== undefined && !child.creation.hasUserCode) return undefined;
    const host = scope.host;
    if (host === undefined || host.ended) return undefined;
    return {
      severity: 'warning',
      task: host,
      stack: child.creation ?? scope.entered,
      here: child.creation === undefined ? 'scope entered here' : `${called(child)} was created here`,
      related: [
        { label: `${scopeName(scope)} entered here by ${called(host)}`, stack: scope.entered, task: host.ref },
        { label: `${called(child)} failed here`, stack: child.failure, task: child.ref },
      ],
      about: [scope, host, child],
      facts: { scope, child, victim: host },
    };
  }

  message({ scope, child, victim }: Foreign): string {
    return `Task ${called(child)}, started by ${called(child.starter)}${at(child.creation)} in the ${scopeName(scope)} of ${called(victim)}, failed and cancelled ${called(victim)}, which has no part in it.`;
  }

  advice({ scope }: Foreign): string {
    const group = scope.kind === ScopeKind.TrioNursery ? 'nursery' : 'task group';
    return `Start work in a ${group} of the one who needs it. Shared resources (pools, sessions) belong into a service task that lives as long as they do; requests talk to it through a queue.`;
  }
}

interface Swallowed {
  task: Task;
  record: CancelRecord;
  /** It ended normally instead of going on. */
  endedNormally: boolean;
  graceNs: number;
}

/**
 * A task caught the cancellation and went on: warning while it is pending past the grace time. One that ended normally within
 * the grace time is `info` (a graceful shutdown looks the same).
 */
export class SwallowedCancellation extends Detector<Swallowed> {
  readonly code = 'swallowed-cancellation';
  private readonly waiting = new DelayQueue<{ task: Task; record: CancelRecord; steps: number; waitSeq: number }>(
    () => this.world.context.thresholds.swallowedGraceMs * 1e6,
  );

  constructor(world: World) {
    super(world);
    const { signals } = world.context;
    signals.taskCancel.on((task, by, _scope, stack) => {
      const record = task.cancel;
      if (record === undefined || record.requests !== 1) return;
      // A library's timer that bounds its own task (async_timeout before Python 3.11) cancels and absorbs by itself.
      if (by === undefined && record.scope === undefined && stack !== undefined && stack.frames[0] !== undefined) {
        if (stack.origin(stack.frames[0]) === 'library') return;
      }
      record.stepsThen = task.steps;
      const kind = record.scope?.kind;
      const inTrio = kind === ScopeKind.TrioNursery || kind === ScopeKind.TrioCancelScope;
      // Trio's system tasks wait where nothing of the user's is below them, and may end before they were ever looked at.
      record.inLibrary = task.waitStack === undefined ? inTrio : !task.waitStack.hasUserCode;
      this.waiting.add({ task, record, steps: task.steps, waitSeq: task.waitSeq }, this.nowNs);
    });
    signals.taskDelivered.on((task) => {
      const record = task.cancel;
      if (record !== undefined && record.requests === 0)
        this.waiting.add({ task, record, steps: task.steps, waitSeq: task.waitSeq }, this.nowNs);
    });
    signals.taskEnd.on((task, outcome) => {
      const record = task.cancel;
      if (record === undefined || outcome !== Outcome.Ok || !isOpen(task, record) || record.deliveredNs < 0) return;
      // A library's own helper that ends when it is told to.
      if (record.inLibrary || record.reported) return;
      this.raise(this.check(task, record, true));
    });
  }

  override look(nowNs: number): void {
    this.waiting.take(nowNs, ({ task, record, steps, waitSeq }) => {
      if (task.ended || task.cancel !== record || !isOpen(task, record)) return;
      // It must have had its turn: thrown in, or run since.
      const ran = task.steps - steps;
      if (record.deliveredNs < 0 && ran <= 0 && task.waitSeq === waitSeq) return;
      // A host waits for the members of the scope that was cancelled: they may be slow, it is not.
      const waitsForMembers = record.scope?.host === task && (task.wait === Wait.Group || (record.scope.members?.size ?? 0) > 0);
      const shielded = task.scopes?.some((scope) => scope.shield && scope.enteredNs >= record.atNs);
      // A shielded clean-up may take its time; work that goes on and on is not a clean-up.
      if (waitsForMembers || (shielded && ran < 3 && task.waitSeq - waitSeq < 4)) {
        if (waitsForMembers || nowNs - record.atNs < 5 * this.world.context.thresholds.swallowedGraceMs * 1e6)
          this.waiting.add({ task, record, steps, waitSeq }, nowNs);
        return;
      }
      record.reported = true;
      this.raise(this.check(task, record, false));
    });
  }

  check(task: Task, record: CancelRecord, endedNormally: boolean): Evidence<Swallowed> {
    const cancelled = cancelStack(record);
    // The mistake is in the task that goes on, not where it was cancelled.
    const wentOn = endedNormally || !task.waitStack?.hasUserCode ? undefined : task.waitStack;
    const stack = wentOn ?? task.creation ?? cancelled;
    return {
      severity: endedNormally ? 'info' : 'warning',
      task,
      stack,
      here: stack === wentOn ? 'it went on here' : stack === task.creation ? 'task created here' : 'cancelled here',
      related: [
        { label: 'cancelled here', stack: stack === cancelled ? undefined : cancelled, task: record.by },
        { label: 'task created here', stack: stack === task.creation ? undefined : task.creation, task: task.ref },
      ],
      // Where it goes on moves; who cancels and what task do not.
      key: `${endedNormally}|${placeKey(cancelled?.place)}|${placeKey(task.creation?.place)}|${task.coroutine}`,
      about: [task, record.scope],
      resolved: endedNormally,
      facts: { task, record, endedNormally, graceNs: this.nowNs - record.atNs },
    };
  }

  message({ task, record, endedNormally, graceNs }: Swallowed): string {
    const by = record.by === undefined ? (record.scope === undefined ? '' : ` by ${scopeName(record.scope)}`) : ` by "${record.by.name}"`;
    if (endedNormally)
      return `Task ${called(task)} was cancelled${by}${at(cancelStack(record))}, caught it and ended as if it had not been.`;
    return `Task ${called(task)} was cancelled${by}${at(cancelStack(record))}, caught it and still runs ${duration(graceNs)} later.`;
  }

  advice({ endedNormally }: Swallowed, env: Environment): string {
    const waitFor =
      env.python !== '' && !env.pythonAtLeast(3, 12)
        ? ` With Python ${env.python}, \`asyncio.wait_for\` can swallow it too (cpython#86296, fixed in 3.12).`
        : '';
    const base =
      'Re-raise the cancellation after cleaning up: look for `except CancelledError`, `except BaseException` or a bare `except` around an await.';
    if (endedNormally) return `${base} If ending normally is meant, call \`task.uncancel()\` (3.11+) or ignore this.${waitFor}`;
    return `${base}${waitFor}`;
  }
}

function cancelStack(record: CancelRecord): Stack | undefined {
  const own = record.stack;
  return own?.hasUserCode ? own : (record.scope?.cancelled?.stack ?? own);
}

/** Not answered yet, and not merely the business of a scope that is over. */
function isOpen(task: Task, record: CancelRecord): boolean {
  if (record.settled) return false;
  const scope = record.scope;
  if (scope === undefined) return true;
  return scope.active || (scope.host !== task && task.group !== scope && scope.exit === undefined);
}
