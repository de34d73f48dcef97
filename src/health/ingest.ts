import type { DecodedBatch } from '../shared/batch';
import { Op, type ProbeNote, ROW_WIDTH } from '../shared/wire';
import type { Context } from './core/world';
import type { GeneratorTracker } from './trackers/generators';
import type { LockMonitor } from './trackers/locks';
import type { LoopMonitor } from './trackers/loops';
import type { CancelScopeTracker } from './trackers/scopes';
import type { SessionMonitor } from './trackers/sessions';
import type { AsyncTaskTracker } from './trackers/tasks';

/** Who keeps what. */
export interface Trackers {
  readonly context: Context;
  readonly tasks: AsyncTaskTracker;
  readonly scopes: CancelScopeTracker;
  readonly locks: LockMonitor;
  readonly sessions: SessionMonitor;
  readonly loops: LoopMonitor;
  readonly generators: GeneratorTracker;
}

export interface Intake {
  rows: number;
  unknownOps: number;
}

/** Gives each row to its tracker, in order. The hot loop of the model: about 0.3 µs a row. */
export function ingestRows(batch: DecodedBatch, trackers: Trackers, intake: Intake): void {
  const { tasks, scopes, locks, sessions, loops, generators, context } = trackers;
  const { rows } = batch;
  let named: Set<number> | undefined;
  intake.rows += rows.length / ROW_WIDTH;
  for (let i = 0; i < rows.length; i += ROW_WIDTH) {
    const t = rows[i + 1]!;
    const obj = rows[i + 2]!;
    const task = rows[i + 3]!;
    const aux = rows[i + 4]!;
    const stack = rows[i + 5]!;
    // Rows of several threads may be a little out of order; time never goes back. A wild time stamp must not move it far ahead.
    if (t > context.nowNs && (t <= batch.t || batch.t === 0)) context.nowNs = t;
    switch (rows[i]! as Op) {
      case Op.TaskNew:
        tasks.create(obj, t, task, aux, stack);
        break;
      case Op.TaskEnd:
        tasks.end(obj, t, task, aux, stack);
        break;
      case Op.TaskName:
        tasks.name(obj, aux);
        break;
      case Op.TaskCancel:
        tasks.cancel(obj, t, task, scopes.at(aux), stack);
        break;
      case Op.TaskWait:
        tasks.wait(obj, t, task, aux, stack);
        break;
      case Op.TaskSteps:
        tasks.steps(obj, task, aux, stack);
        break;
      case Op.TaskSched:
        tasks.scheduling(obj, task, aux, stack);
        break;
      case Op.TaskAwaitedBy:
        tasks.awaitedBy(obj, task, aux);
        break;
      case Op.TaskGroup:
        tasks.group(obj, scopes.at(task));
        break;
      case Op.TaskUncancel:
        tasks.uncancel(obj, aux);
        break;
      case Op.TaskLoop:
        tasks.setLoop(obj, task);
        break;
      case Op.TaskCancelDelivered:
        tasks.delivered(obj, t, scopes.at(aux));
        break;
      case Op.TaskUnreachable:
        tasks.unreachable(obj, aux === 1);
        break;
      case Op.TaskCancelReason:
        tasks.cancelReason(obj, aux);
        break;

      case Op.ScopeEnter:
        scopes.enter(obj, t, task, aux, stack);
        break;
      case Op.ScopeExit:
        scopes.exit(obj, t, task, aux, stack);
        break;
      case Op.ScopeLeaving:
        scopes.leaving(obj, t, task, aux, stack);
        break;
      case Op.ScopeCancel:
        scopes.requestCancel(obj, t, task, aux, stack);
        break;
      case Op.ScopeMeta:
        scopes.meta(obj, task, aux, stack);
        break;
      case Op.ScopeDeliveries:
        scopes.delivered(obj, aux);
        break;
      case Op.ScopeName:
        scopes.name(obj, aux);
        break;
      case Op.ScopeCancelReason:
        scopes.cancelReason(obj, aux);
        break;
      case Op.ScopeLost:
        scopes.lose(obj, t);
        break;

      case Op.LockNew:
        locks.create(obj, t, task, aux, stack);
        break;
      case Op.LockMeta:
        locks.meta(obj, t, task, aux, stack);
        break;
      case Op.LockWait:
        locks.wait(obj, t, task, aux, stack);
        break;
      case Op.LockWaitEnd:
        locks.waitEnd(obj, t, task, aux !== 0);
        break;
      case Op.LockHold:
        locks.hold(obj, t, task, stack);
        break;
      case Op.LockFree:
        locks.free(obj, t, task);
        break;
      case Op.LockGone:
        locks.forget(obj, t);
        break;
      case Op.LockState:
        locks.state(obj, t, task, aux, stack);
        break;
      case Op.LockReentry:
        locks.reentry(obj, t, task, aux !== 0, stack);
        break;
      case Op.LockWaits:
        locks.shortWaits(obj, t, task, aux, stack);
        break;
      case Op.LockPlace:
        locks.place(obj, task, stack);
        break;

      case Op.SessionOpen:
        sessions.create(obj, t, task, aux, stack);
        break;
      case Op.SessionName:
        sessions.name(obj, aux);
        break;
      case Op.SessionClose:
        sessions.close(obj, t, task);
        break;
      case Op.SessionLost:
        sessions.lose(obj, t);
        break;
      case Op.SessionOp:
        sessions.operation(obj, t, aux, stack);
        break;
      case Op.SessionPool:
        sessions.pool(obj, t, task, aux, stack);
        break;

      case Op.LoopNew:
        loops.create(obj, t, task, aux);
        break;
      case Op.LoopStat:
        loops.stat(obj, t, task, aux, stack);
        break;
      case Op.LoopBlock:
        loops.block(obj, t, task, aux, stack, false);
        break;
      case Op.LoopBlockEnd:
        loops.block(obj, t, task, aux, stack, true);
        break;
      case Op.LoopSlowTurn:
        loops.slowTurn(obj, task, aux);
        break;
      case Op.LoopCollected:
        loops.collected(obj, aux);
        break;
      case Op.LoopEnd:
        loops.end(obj);
        break;

      case Op.GenNew:
        generators.create(obj, t, task, aux, stack);
        break;
      case Op.GenFinal:
        generators.final(obj, t, task, aux, stack);
        break;
      case Op.GenYieldInScope:
        generators.yieldInScope(obj, t, task, scopes.at(aux), stack);
        break;
      case Op.GenEnd:
        generators.end(obj);
        break;

      case Op.SyncBegin:
        context.syncEpoch++;
        context.inSync = true;
        break;
      case Op.SyncEnd:
        if (!context.inSync) break;
        context.inSync = false;
        tasks.sweep(t);
        scopes.sweep(t);
        locks.sweep(t);
        sessions.sweep(t);
        loops.sweep();
        generators.sweep();
        break;
      case Op.Note: {
        const note = batch.notes[aux];
        if (note !== undefined && !named?.has(aux)) {
          if (named === undefined) named = new Set();
          named.add(aux);
          takeNote(note, trackers);
        }
        break;
      }
      default:
        // A newer probe may know more: skipped, and counted.
        intake.unknownOps++;
    }
  }
  // Notes that no row places come at the end.
  for (let index = 0; index < batch.notes.length; index++) {
    const note = batch.notes[index];
    if (note !== undefined && !named?.has(index)) takeNote(note, trackers);
  }
}

function takeNote(note: ProbeNote, { loops, context }: Trackers): void {
  if (note.kind === 'histogram' && isNumbers(note.bounds) && isNumbers(note.counts)) {
    loops.histogram(note.loop, String(note.name).slice(0, 40), note.bounds, note.counts);
  }
  context.signals.note.emit(note);
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'number');
}
