/**
 * The things the model knows. Plain mutable records owned by their tracker; everybody else reads.
 * Times are ns on the probe's clock. A record outlives its thing by the tracker's retention.
 */
import type { TaskRef } from '../../shared/findings';
import { AwaitedVia, CancelReason, LockKind, type LockOp, Outcome, ScopeKind, Wait } from '../../shared/wire';
import type { Stack } from './definitions';

/** Whatever findings can be about. */
export interface Entity {
  readonly id: number;
  /** Ids of the findings that name it, oldest first. */
  findings: number[] | undefined;
}

/** A request to cancel a task, and what became of it. */
export interface CancelRecord {
  atNs: number;
  by: TaskRef | undefined;
  scope: Scope | undefined;
  reason: CancelReason | undefined;
  stack: Stack | undefined;
  /** The program's own word for it, '' when it gave none. */
  message: string;
  /** Requests so far. */
  requests: number;
  /** CancelledError was thrown into it; -1 = not yet seen. */
  deliveredNs: number;
  /** Steps it had run when that happened. */
  stepsThen: number;
  /** It waited in a library's code of its own, no user's below it, when it was cancelled. */
  inLibrary: boolean;
  /** It was found to go on regardless. */
  reported: boolean;
  /** Answered: uncancelled, absorbed by its scope, or ended by it. */
  settled: boolean;
}

export class Task implements Entity {
  readonly kind = 'task';
  findings: number[] | undefined = undefined;
  name: string;
  coroutine: string;
  creation: Stack | undefined;
  creator: TaskRef | undefined = undefined;
  createdNs: number;
  loop: number = 0;
  group: Scope | undefined = undefined;
  /** Who started it in a group of somebody else; undefined when that was the group's host or a task below it. */
  starter: Task | undefined = undefined;
  /** The probe found that nothing but the waiting tasks refers to what it waits for; valid for that {@link waitSeq}. */
  unreachableSeq = -1;

  // The tree: siblings in order of creation. Counts include the task itself; `live` only while it has not ended.
  parent: Task | undefined = undefined;
  firstChild: Task | undefined = undefined;
  lastChild: Task | undefined = undefined;
  previous: Task | undefined = undefined;
  next: Task | undefined = undefined;
  live = 1;
  all = 1;
  liveChildren = 0;
  depth = 0;

  outcome: Outcome | undefined = undefined;
  endedNs = -1;
  exception = '';
  failure: Stack | undefined = undefined;

  wait: Wait = Wait.Ready;
  waitObject = 0;
  waitTask: Task | undefined = undefined;
  waitStack: Stack | undefined = undefined;
  waitSinceNs: number;
  /** Goes up with every change of what it waits for. */
  waitSeq = 0;
  /** The lock it waits for, from the moment it begins to. */
  lockWait: LockWaiter | undefined = undefined;
  awaiters: Task[] | undefined = undefined;
  awaitedBy: Task | undefined = undefined;
  awaitedVia: AwaitedVia = AwaitedVia.None;

  // Links of the list of waiting tasks, longest wait first.
  agePrevious: Task | undefined = undefined;
  ageNext: Task | undefined = undefined;
  aged = false;
  /** It has opened a session. */
  opened = false;

  steps = 0;
  busyNs = 0;
  longestStepNs = 0;
  waits = 0;
  schedNs = 0;
  longestSchedNs = 0;

  cancel: CancelRecord | undefined = undefined;
  scopes: Scope[] | undefined = undefined;
  holds: Lock[] | undefined = undefined;
  seen = 0;
  private ref_: TaskRef | undefined = undefined;

  constructor(
    readonly id: number,
    readonly address: number,
    coroutine: string,
    creation: Stack | undefined,
    createdNs: number,
  ) {
    this.coroutine = coroutine;
    this.name = '';
    this.creation = creation;
    this.createdNs = createdNs;
    this.waitSinceNs = createdNs;
  }

  get ended(): boolean {
    return this.endedNs >= 0;
  }

  /** `Task-7` or, when it has none, what it runs. */
  get label(): string {
    return this.name || this.coroutine || `task ${this.id}`;
  }

  /** One object for all who name it; follows a later rename. */
  get ref(): TaskRef {
    if (this.ref_ === undefined) this.ref_ = { id: this.id, name: this.label };
    return this.ref_;
  }

  rename(name: string): void {
    this.name = name;
    if (this.ref_ !== undefined) this.ref_.name = this.label;
  }
}

export interface ScopeExitRecord {
  atNs: number;
  by: Task | undefined;
  flags: number;
  stack: Stack | undefined;
}

export interface ScopeCancel {
  reason: CancelReason;
  by: Task | undefined;
  stack: Stack | undefined;
  /** The program's own word for it, '' when it gave none. */
  message: string;
  atNs: number;
}

export class Scope implements Entity {
  readonly kind_ = 'scope';
  findings: number[] | undefined = undefined;
  kind: ScopeKind;
  name = '';
  host: Task | undefined;
  parent: Scope | undefined = undefined;
  entered: Stack | undefined;
  enteredNs: number;
  exit: ScopeExitRecord | undefined = undefined;
  /** Of a misuse: how it was being left, known from the moment when that began. */
  misuse: ScopeExitRecord | undefined = undefined;
  /** Collected while it was open. */
  lost = false;
  shield = false;
  deadlineNs = -1;
  cancelled: ScopeCancel | undefined = undefined;
  /** Re-deliveries of its cancellation so far. */
  deliveries = 0;
  members: Set<Task> | undefined = undefined;
  generator: Generator | undefined = undefined;
  /** The last of its members that failed. */
  failedMember: Task | undefined = undefined;
  /** When its host ended somebody was alive for whom the host had opened it. */
  helped: boolean | undefined = undefined;
  /** A generator was seen to yield inside it. */
  yieldSeen = false;
  seen = 0;

  constructor(
    readonly id: number,
    readonly address: number,
    kind: ScopeKind,
    host: Task | undefined,
    entered: Stack | undefined,
    enteredNs: number,
  ) {
    this.kind = kind;
    this.host = host;
    this.entered = entered;
    this.enteredNs = enteredNs;
  }

  get active(): boolean {
    return this.exit === undefined && !this.lost;
  }

  get type(): string {
    return SCOPE_TYPES[this.kind] ?? 'scope';
  }
}

export const SCOPE_TYPES: Record<number, string> = {
  [ScopeKind.Other]: 'scope',
  [ScopeKind.AnyioCancelScope]: 'CancelScope',
  [ScopeKind.AnyioTaskGroup]: 'TaskGroup',
  [ScopeKind.AsyncioTimeout]: 'timeout',
  [ScopeKind.AsyncioTaskGroup]: 'TaskGroup',
  [ScopeKind.TrioCancelScope]: 'CancelScope',
  [ScopeKind.TrioNursery]: 'nursery',
  [ScopeKind.Tracked]: 'tracked scope',
};

/** Library a kind of scope belongs to. */
export const SCOPE_LIBRARIES: Record<number, string> = {
  [ScopeKind.AnyioCancelScope]: 'anyio',
  [ScopeKind.AnyioTaskGroup]: 'anyio',
  [ScopeKind.AsyncioTimeout]: 'asyncio',
  [ScopeKind.AsyncioTaskGroup]: 'asyncio',
  [ScopeKind.TrioCancelScope]: 'trio',
  [ScopeKind.TrioNursery]: 'trio',
};

export interface LockHold {
  task: Task | undefined;
  sinceNs: number;
  stack: Stack | undefined;
}

export interface LockWaiter {
  lock: Lock;
  task: Task;
  op: LockOp;
  sinceNs: number;
  stack: Stack | undefined;
  /** The lock's `frees` when the wait began: whether anything moved since. */
  freesThen: number;
}

export class Lock implements Entity {
  findings: number[] | undefined = undefined;
  kind: LockKind;
  name = '';
  creator: Task | undefined;
  creation: Stack | undefined;
  firstPlace: Stack | undefined = undefined;
  createdNs: number;
  loop = 0;
  capacity: number | undefined = undefined;
  value: number | undefined = undefined;
  unfinished = 0;
  unfinishedSinceNs = 0;
  /** Last sampled holder; undefined until the probe sampled it. */
  sampled: { free: boolean; atNs: number } | undefined = undefined;
  holders: LockHold[] = [];
  readonly waiters = new Map<Task, LockWaiter>();
  /** The last one that waited in vain: a library may wake the waiters of a lock whose owner is gone with an error. */
  lastFailed: LockWaiter | undefined = undefined;
  /** Queues: tasks seen to take from it. */
  getters: Set<Task> | undefined = undefined;
  acquisitions = 0;
  contended = 0;
  /** Of them, those that were only counted, and those of these that were in vain. */
  shortWaits = 0;
  shortFailed = 0;
  frees = 0;
  longestHoldNs = 0;
  longestWaitNs = 0;
  gone = false;
  seen = 0;
  /** The how many-th that was made at its place. */
  number = 0;
  /** How many made there live. */
  twins: { alive: number; made: number } | undefined = undefined;

  constructor(
    readonly id: number,
    readonly address: number,
    kind: LockKind,
    creator: Task | undefined,
    creation: Stack | undefined,
    createdNs: number,
  ) {
    this.kind = kind;
    this.creator = creator;
    this.creation = creation;
    this.createdNs = createdNs;
  }

  get type(): string {
    return LOCK_TYPES[this.kind] ?? 'lock';
  }

  /** Did the program name it? A name with a library in front is the class's. */
  get named(): boolean {
    return this.name !== '' && !this.name.includes('.');
  }

  /** Its name, or else its type; with a number where only that tells it from others made at the same place. */
  get label(): string {
    return this.named || (this.twins?.alive ?? 0) < 2 ? this.name || this.type : `${this.name || this.type} #${this.number}`;
  }

  /** The label, where it says more than the type. */
  get ownLabel(): string | undefined {
    return this.label === this.type ? undefined : this.label;
  }
}

export const LOCK_TYPES: Record<number, string> = {
  [LockKind.Other]: 'lock',
  [LockKind.Lock]: 'Lock',
  [LockKind.RLock]: 'RLock',
  [LockKind.Semaphore]: 'Semaphore',
  [LockKind.BoundedSemaphore]: 'BoundedSemaphore',
  [LockKind.Condition]: 'Condition',
  [LockKind.Event]: 'Event',
  [LockKind.Queue]: 'Queue',
  [LockKind.Barrier]: 'Barrier',
  [LockKind.CapacityLimiter]: 'CapacityLimiter',
  [LockKind.MemoryChannel]: 'channel',
  [LockKind.Monitored]: 'lock',
};

export class Session implements Entity {
  findings: number[] | undefined = undefined;
  name = '';
  closedNs = -1;
  closer: Task | undefined = undefined;
  lost = false;
  operations = 0;
  running = 0;
  lastOperationNs: number;
  succeeded = 0;
  failed = 0;
  totalNs = 0;
  longestNs = 0;
  pool: { inUse: number; size: number; waiting: number; sinceNs: number } | undefined = undefined;
  seen = 0;

  constructor(
    readonly id: number,
    readonly address: number,
    readonly type: string,
    readonly opener: Task | undefined,
    readonly opened: Stack | undefined,
    readonly openedNs: number,
  ) {
    this.lastOperationNs = openedNs;
  }

  get open(): boolean {
    return this.closedNs < 0 && !this.lost;
  }
}

export class Loop implements Entity {
  findings: number[] | undefined = undefined;
  running = true;
  turns = 0;
  turnsPerSecond = 0;
  /** Turns and ready callbacks are known. */
  counted = true;
  statNs: number;
  lagNs = 0;
  worstLagNs = 0;
  readyLength = 0;
  /** Registered readers/writers and timers; undefined where the probe cannot tell. */
  sources: number | undefined = undefined;
  blocked: { sinceNs: number; forNs: number; stack: Stack | undefined; task: Task | undefined } | undefined = undefined;
  /** Of the block that was told last: how much of it the garbage collector ran by itself. */
  collectedNs = 0;
  threadName: string | undefined = undefined;
  slowCallbacks = 0;
  blockedNs = 0;
  longestBlockNs = 0;
  histograms: Record<string, { bounds: number[]; counts: number[] }> = {};
  seen = 0;

  constructor(
    readonly id: number,
    readonly address: number,
    readonly type: string,
    readonly threadId: number,
    readonly startedNs: number,
  ) {
    this.statNs = startedNs;
  }
}

export class Generator implements Entity {
  findings: number[] | undefined = undefined;
  /** Scopes it has opened and yielded in. */
  scopes: Set<Scope> | undefined = undefined;
  ended = false;
  seen = 0;

  constructor(
    readonly id: number,
    readonly address: number,
    readonly name: string,
    readonly task: Task | undefined,
    readonly stack: Stack | undefined,
    readonly createdNs: number,
  ) {}
}

/** What a task that ended is called. */
export function outcomeName(outcome: Outcome | undefined): 'done' | 'cancelled' | 'failed' | 'dropped' {
  if (outcome === Outcome.Cancelled) return 'cancelled';
  if (outcome === Outcome.Failed) return 'failed';
  if (outcome === Outcome.Dropped) return 'dropped';
  return 'done';
}

/** Why a scope was cancelled, in words; with the program's own when it gave one. */
export function cancelWords({ reason, message }: Pick<ScopeCancel, 'reason' | 'message'>): string {
  return message === '' ? cancelReasonName(reason) : `${cancelReasonName(reason)}: “${message}”`;
}

export function cancelReasonName(reason: CancelReason | undefined): string {
  if (reason === CancelReason.Deadline) return 'its deadline passed';
  if (reason === CancelReason.ChildFailed) return 'a child failed';
  if (reason === CancelReason.HostFailed) return 'its body failed';
  return 'it was cancelled';
}
