import type { Thresholds } from '../../shared/settings';
import type { Outcome, ProbeNote } from '../../shared/wire';
import { Signal } from './collections';
import type { Definitions, Stack } from './definitions';
import type { Generator, Lock, LockHold, LockWaiter, Loop, Scope, ScopeExitRecord, Session, Task } from './entities';
import type { Environment } from './environment';

/** How much is remembered of what is over, and how much is followed at all. */
export interface Retention {
  /** Finished tasks. */
  tasks: number;
  /** Exited scopes. */
  scopes: number;
  /** Closed sessions. */
  sessions: number;
  /** Findings (each is a place, not an occurrence). */
  findings: number;
  /** Entries of `recentEvents`. */
  events: number;
  /** Living things of one kind; more are counted, not followed. */
  live: number;
}

export const DEFAULT_RETENTION: Retention = { tasks: 5_000, scopes: 1_000, sessions: 1_000, findings: 1_000, events: 500, live: 500_000 };

/** What trackers tell and detectors hear. Emitted after the tracker's state is up to date. */
export class Signals {
  readonly taskEnd = new Signal<[task: Task, outcome: Outcome]>();
  readonly taskWait = new Signal<[task: Task]>();
  readonly taskCancel = new Signal<[task: Task, by: Task | undefined, scope: Scope | undefined, stack: Stack | undefined]>();
  readonly taskDelivered = new Signal<[task: Task]>();
  readonly taskUnreachable = new Signal<[task: Task]>();
  readonly scopeExit = new Signal<[scope: Scope]>();
  /** It is being left, or was left, by another task or out of order: once per scope, as soon as that is known. */
  readonly scopeMisuse = new Signal<[scope: Scope, exit: ScopeExitRecord]>();
  readonly scopeLost = new Signal<[scope: Scope]>();
  readonly scopeCancel = new Signal<[scope: Scope]>();
  readonly scopeDeliveries = new Signal<[scope: Scope, before: number]>();
  /** A task ended and left this open. */
  readonly scopeOrphaned = new Signal<[scope: Scope]>();
  readonly lockWait = new Signal<[waiter: LockWaiter]>();
  readonly lockWaitEnd = new Signal<[waiter: LockWaiter, granted: boolean]>();
  readonly lockHold = new Signal<[lock: Lock, task: Task | undefined]>();
  readonly lockFree = new Signal<[lock: Lock]>();
  /** The place where a holder acquired a lock is known now. */
  readonly lockPlace = new Signal<[lock: Lock, holder: LockHold]>();
  readonly lockReentry = new Signal<[lock: Lock, task: Task | undefined, stack: Stack | undefined, refused: boolean]>();
  readonly lockState = new Signal<[lock: Lock]>();
  readonly lockGone = new Signal<[lock: Lock]>();
  readonly sessionClose = new Signal<[session: Session]>();
  readonly sessionLost = new Signal<[session: Session]>();
  readonly sessionPool = new Signal<[session: Session]>();
  readonly loopBlock = new Signal<[loop: Loop, task: Task | undefined, ns: number, stack: Stack | undefined, over: boolean]>();
  readonly loopSlowTurn = new Signal<[loop: Loop, callbacks: number, ns: number]>();
  readonly loopEnd = new Signal<[loop: Loop]>();
  readonly generatorYield = new Signal<
    [generator: Generator, task: Task | undefined, scope: Scope | undefined, stack: Stack | undefined]
  >();
  readonly generatorFinal = new Signal<[generator: Generator, task: Task | undefined, how: number, stack: Stack | undefined]>();
  readonly generatorEnd = new Signal<[generator: Generator]>();
  readonly note = new Signal<[note: ProbeNote]>();
}

/** What every tracker shares. */
export interface Context {
  /** The newest time seen, ns. */
  nowNs: number;
  /** Counts restatements; a living thing that one does not name is gone. */
  syncEpoch: number;
  inSync: boolean;
  /** Things that were not followed because {@link Retention.live} was reached. */
  untracked: number;
  readonly defs: Definitions;
  readonly env: Environment;
  readonly signals: Signals;
  readonly retention: Retention;
  thresholds: Thresholds;
}
