/**
 * The wire between the probe in the program and the adapter: the one definition, for TypeScript and Python.
 *
 * `scripts/gen-wire.mjs` writes `src/python/async_health/_ah_wire.py` from the enums below; `npm run check` fails
 * when the two differ. Nothing here knows the model or the panel.
 *
 * ## Rows
 * What happens often travels as rows of {@link ROW_WIDTH} signed 64-bit integers, little endian, flat, base64-encoded in
 * {@link ProbeBatch.rows}: `op, t, obj, task, aux, stack`.
 * - `op`: an {@link Op}.
 * - `t`: ns of the debuggee's monotonic clock since the probe's start ({@link ProbeHello.epochMs} is that moment).
 * - `obj`: the thing's address (`id(x)`). Addresses are reused; a creation row (`*New`, `*Open`, `*Enter`) for an address
 *   that is known starts a new incarnation. One name space per kind: task, scope, lock, session, loop, generator.
 * - `task`: address of the current (acting) task, 0 when there is none (plain callback, other thread).
 * - `aux`, `stack`: per op, see the table. A stack is an id from {@link ProbeDefs.stacks}, 0 = not recorded.
 *   A string is an id from {@link ProbeDefs.strings}, 0 = none.
 * Definitions always arrive in the same batch as, or an earlier batch than, the first row that uses them.
 */

/** Numbers per row. */
export const ROW_WIDTH = 6;

/** Version of this wire; the adapter refuses a probe of another one with a clear message. */
export const WIRE_VERSION = 2;

/** Name of the DAP event that carries {@link ProbeMessage}; it never reaches the DAP client. */
export const PROBE_EVENT = 'asyncHealth';

/** Row kinds. Column meanings behind each; columns not named are 0. */
export const enum Op {
  // --- tasks (obj = task) -------------------------------------------------------------------------------------
  /** A task was created. task = creator, aux = string: coroutine's qualified name, stack = creation stack. */
  TaskNew = 1,
  /** A task ended. task = string: exception text when failed, aux = {@link Outcome}, stack = traceback when failed. */
  TaskEnd = 2,
  /** The task has an explicit name. aux = string. */
  TaskName = 3,
  /** `cancel()` was called on it. task = canceller, aux = scope that did it (address) or 0, stack = caller. */
  TaskCancel = 4,
  /** What it waits on changed (sampled, sent only on change). task = awaited object (address) or 0, aux = {@link Wait}, stack = coroutine chain, leaf first. */
  TaskWait = 5,
  /** Cumulative step statistics. task = steps, aux = busy ns, stack = longest step ns. */
  TaskSteps = 6,
  /** Cumulative scheduling statistics. task = waits, aux = total ns from ready to running, stack = longest such ns. */
  TaskSched = 7,
  /** Who awaits it. task = awaiting task or 0, aux = {@link AwaitedVia}. */
  TaskAwaitedBy = 8,
  /** Which group or nursery it was started in. task = scope address. */
  TaskGroup = 9,
  /** `uncancel()` was called. task = caller, aux = remaining cancellation requests. */
  TaskUncancel = 10,
  /** Which loop runs it. task = loop address. Sent when it is not the loop of the creator. */
  TaskLoop = 11,
  /** A cancellation was delivered into it (CancelledError thrown). aux = scope address or 0. */
  TaskCancelDelivered = 12,
  /**
   * Looked at because it has waited long: does anything but the tasks that wait refer to what it waits for? task = awaited object
   * (address), aux = 1 nothing does, so nothing can wake it / 0 something does (sent only to take a 1 back).
   */
  TaskUnreachable = 13,
  /** The program's own word why the last {@link TaskCancel} was (`task.cancel(msg)`). aux = string. */
  TaskCancelReason = 14,

  // --- cancel scopes, timeouts, groups, nurseries (obj = scope) -------------------------------------------------
  /** Entered. task = host task, aux = {@link ScopeKind}, stack = where. */
  ScopeEnter = 20,
  /** Left. task = leaving task, aux = {@link ExitFlag} bits, stack = where (always when a flag of misuse is set). */
  ScopeExit = 21,
  /** Cancelled. task = by whom, aux = {@link CancelReason}, stack = where. */
  ScopeCancel = 22,
  /** Attributes. task = parent scope, aux = deadline in ns on this clock (-1 = none), stack = {@link ScopeFlag} bits. */
  ScopeMeta = 23,
  /** Cancellation deliveries so far, cumulative. aux = count. */
  ScopeDeliveries = 24,
  /** Name given by the program. aux = string. */
  ScopeName = 25,
  /** Dropped (garbage-collected) while still entered. */
  ScopeLost = 26,
  /**
   * An exit that is a misuse has begun: as {@link ScopeExit}, which follows when it is over. Told at once, because an exit may
   * wait for long, and because the program may be made to stand in it.
   */
  ScopeLeaving = 27,
  /** The program's own word why it cancelled the scope (`scope.cancel(reason)`). aux = string. */
  ScopeCancelReason = 28,

  // --- locks and friends (obj = lock) ---------------------------------------------------------------------------
  /** First seen. task = creator if known, aux = {@link LockKind}, stack = where created if known. */
  LockNew = 40,
  /** task = capacity (-1 = unbounded or not applicable), aux = string: name, stack = loop address. */
  LockMeta = 41,
  /** A task begins to wait. aux = {@link LockOp}, stack = where. */
  LockWait = 42,
  /** That wait ended. aux = 0 granted, 1 cancelled or failed. */
  LockWaitEnd = 43,
  /** A task holds it now (one more permit of a semaphore). stack = where acquired. */
  LockHold = 44,
  /** That task (or any task, for semaphores) released it. */
  LockFree = 45,
  /** Garbage-collected. */
  LockGone = 46,
  /** Sampled state. task = holder or 0, aux = value (permits left, queue size, event set 0/1), stack = queue's unfinished tasks. */
  LockState = 47,
  /** Acquired by a task that already holds it (non-reentrant): it will hang, or with aux = 1 the library refuses. stack = where. */
  LockReentry = 48,
  /** Waits so far that were over before they were told one by one, cumulative. task = how many, aux = longest in ns, stack = in vain. */
  LockWaits = 49,
  /** Where a holder that was told without its place acquired the lock. */
  LockPlace = 50,

  // --- sessions and clients (obj = session) ----------------------------------------------------------------------
  /** Opened. task = opener, aux = string: kind (`aiohttp.ClientSession`), stack = where. */
  SessionOpen = 60,
  /** Name given by the program. aux = string. */
  SessionName = 61,
  /** Closed properly. task = closer. */
  SessionClose = 62,
  /** Dropped (garbage-collected) while open. */
  SessionLost = 63,
  /** An operation. task = doing, aux = 0 begin / 1 succeeded / 2 failed, stack = duration ns (for 1 and 2). */
  SessionOp = 64,
  /** Pool state. task = in use, aux = size, stack = waiting for a slot. */
  SessionPool = 65,

  // --- loops (obj = loop) -----------------------------------------------------------------------------------------
  /** First seen. task = thread ident, aux = string: kind (`asyncio`, `uvloop`, `trio`). */
  LoopNew = 80,
  /** Statistics for the last tick. task = turns (cumulative), aux = lag ns (worst in tick), stack = ready-queue length; -1 for what a loop does not let know. */
  LoopStat = 81,
  /** It is blocked right now. task = task that runs, aux = ns so far, stack = sampled thread stack. Repeats while it lasts. */
  LoopBlock = 82,
  /** A block ended. task = as above, aux = total ns, stack = last sampled stack. */
  LoopBlockEnd = 83,
  /** One whole turn was slow without a single slow callback. task = callbacks in it (0 = not known), aux = ns. */
  LoopSlowTurn = 84,
  /** Closed or gone. */
  LoopEnd = 85,
  /** Of the block that the next {@link LoopBlock} or {@link LoopBlockEnd} tells: aux = ns in which the collector ran by itself, not asked by `gc.collect()`. */
  LoopCollected = 86,

  // --- async generators (obj = generator) -------------------------------------------------------------------------
  /** First iteration. task = iterating task, aux = string: qualified name, stack = where. */
  GenNew = 100,
  /** Finalised by the collector or the loop's shutdown, not by its user. task = finalising task or 0, aux = 1 collector / 2 shutdown, stack = where it is suspended. */
  GenFinal = 101,
  /** Suspended at a yield inside a scope it entered. task = iterating task, aux = scope address, stack = the generator's frame. */
  GenYieldInScope = 102,
  /** Finished or closed normally. */
  GenEnd = 103,

  // --- stream control ---------------------------------------------------------------------------------------------
  /** A complete restatement of what exists follows, to {@link Op.SyncEnd}; what it does not name is gone. */
  SyncBegin = 120,
  SyncEnd = 121,
  /** A rich, rare event: aux = index into {@link ProbeBatch.notes} of this batch (keeps its order among rows). */
  Note = 122,
}

/** How a task ended. */
export const enum Outcome {
  Ok = 0,
  Cancelled = 1,
  Failed = 2,
  /** Garbage-collected while pending. */
  Dropped = 3,
}

/** What a suspended task waits for. */
export const enum Wait {
  Unknown = 0,
  /** It runs right now. */
  Running = 1,
  /** Ready: scheduled, waiting for its turn. */
  Ready = 2,
  Sleep = 3,
  Future = 4,
  /** Another task; awaited object = that task. */
  Task = 5,
  Lock = 6,
  Semaphore = 7,
  Condition = 8,
  Event = 9,
  QueueGet = 10,
  QueuePut = 11,
  QueueJoin = 12,
  Barrier = 13,
  Gather = 14,
  /** Exit of a task group or nursery, waiting for children; awaited object = scope. */
  Group = 15,
  /** Socket, pipe, subprocess or other transport. */
  Io = 16,
  /** Thread or process pool. */
  Executor = 17,
  /** asyncio.wait / as_completed. */
  WaitSet = 18,
  Shield = 19,
}

/** How a task awaits another. */
export const enum AwaitedVia {
  None = 0,
  Await = 1,
  Gather = 2,
  TaskGroup = 3,
  Nursery = 4,
  Shield = 5,
  WaitFor = 6,
  WaitSet = 7,
}

/** Kinds of scope. */
export const enum ScopeKind {
  Other = 0,
  AnyioCancelScope = 1,
  AnyioTaskGroup = 2,
  AsyncioTimeout = 3,
  AsyncioTaskGroup = 4,
  TrioCancelScope = 5,
  TrioNursery = 6,
  /** `async_health.tracked_scope`. */
  Tracked = 7,
}

/** Bits of {@link Op.ScopeExit}'s aux. */
export const enum ExitFlag {
  /** The leaving task is not the one that entered. */
  CrossTask = 1,
  /** It was not the innermost open scope of its task. */
  OutOfOrder = 2,
  /** It absorbed a cancellation. */
  CancelledCaught = 4,
  /** Left by an async generator's finaliser. */
  ByFinaliser = 8,
  /** Left with an exception. */
  WithException = 16,
}

/** Bits of {@link Op.ScopeMeta}'s stack column. */
export const enum ScopeFlag {
  Shield = 1,
  CancelCalled = 2,
}

/** Why a scope was cancelled. */
export const enum CancelReason {
  Explicit = 0,
  Deadline = 1,
  ChildFailed = 2,
  HostFailed = 3,
}

/** Kinds of lock. */
export const enum LockKind {
  Other = 0,
  Lock = 1,
  RLock = 2,
  Semaphore = 3,
  BoundedSemaphore = 4,
  Condition = 5,
  Event = 6,
  Queue = 7,
  Barrier = 8,
  CapacityLimiter = 9,
  MemoryChannel = 10,
  /** `async_health.monitor_lock`. */
  Monitored = 11,
}

/** What a waiter wants of a lock. */
export const enum LockOp {
  Acquire = 0,
  Get = 1,
  Put = 2,
  Join = 3,
  Wait = 4,
}

/** New definitions. Ids are positive and never reused within one probe's life. */
export interface ProbeDefs {
  strings?: [id: number, text: string][];
  /** A code location. file and func are string ids; line is 1-based. */
  frames?: [id: number, file: number, func: number, line: number][];
  /** Frame ids, leaf first. A stack that was cut ends with frame 0. */
  stacks?: [id: number, ...frames: number[]][];
}

/** First message of a probe's life in a process (also after a fork). */
export interface ProbeHello {
  wire: number;
  python: string; // '3.12.1'
  implementation: string; // 'CPython'
  executable: string;
  argv: string[];
  cwd: string;
  parentPid: number;
  /** Versions of the libraries that matter for advice, as far as they are imported; later ones come by note `library`. */
  libraries: Record<string, string>;
  detail: Detail;
  /** Wall-clock ms since 1970 at the probe's t = 0. */
  epochMs: number;
}

/** How much the probe records. */
export type Detail = 'light' | 'standard' | 'full';

/** Process-wide sample, once per tick at most. */
export interface SystemSample {
  /** CPU use since the last sample, 1 = one core. */
  cpu: number;
  /** Resident memory, bytes. */
  rss: number;
  threads: number;
  /** By identifier, the names of the threads that run event loops; while there are several loops. */
  threadNames?: Record<string, string>;
  /** Open file descriptors, -1 where the platform cannot tell. */
  fds: number;
  /** Collections and total pause since start. */
  gc?: { collections: number; pauseNs: number; longestNs: number };
  /** The probe's own CPU time since start, ns. */
  probeNs?: number;
}

/** Rich, rare events; `kind` decides the other fields. */
export type ProbeNote =
  | { kind: 'hook-removed'; hook: string; error: string }
  | { kind: 'hook-missing'; hook: string; why: string }
  | { kind: 'library'; name: string; version: string }
  | {
      kind: 'exception-never-retrieved';
      task: number;
      taskName?: string;
      exception: string;
      stack: number;
      creation: number;
      message?: string;
    }
  /** A failed task is still referred to and nobody has looked for `ageMs`; `exception-seen` when somebody has, or it is gone. */
  | { kind: 'exception-unseen'; task: number; taskName: string; exception: string; stack: number; ageMs: number }
  | { kind: 'exception-seen'; task: number }
  | { kind: 'never-awaited'; coroutine: string; stack: number }
  | { kind: 'wrong-loop'; object: number; what: string; task: number; loop: number; expectedLoop: number; stack: number }
  | { kind: 'loop-exception'; message: string; exception: string; task: number; stack: number }
  | { kind: 'histogram'; loop: number; name: 'step' | 'schedule' | 'lag' /** upper bounds ns */; bounds: number[]; counts: number[] }
  | {
      kind: 'operation';
      id: string;
      name: string;
      state: 'begin' | 'end' | 'failed';
      task: number;
      error?: string;
      metadata?: Record<string, unknown>;
    }
  | { kind: 'message'; level: 'info' | 'warning' | 'error'; text: string };

/** One tick of one process, in order. */
export interface ProbeBatch {
  type: 'batch';
  pid: number;
  /** 1, 2, 3 … per process; a gap makes the adapter ask for a resync. */
  seq: number;
  /** Time of sending, ns on the probe's clock. */
  t: number;
  /** base64 of little-endian int64 rows; absent when there are none. */
  rows?: string;
  /** What their times count from: subtracted from each `t`. Absent: 0. */
  base?: number;
  defs?: ProbeDefs;
  notes?: ProbeNote[];
  sys?: SystemSample;
  hello?: ProbeHello;
  /** Rows and definitions lost to full buffers since start, cumulative. */
  dropped?: { rows: number; stacks: number; notes: number };
  /** The last batch: the process is about to end. */
  bye?: boolean;
}

/** Answer to a request of the adapter ({@link ProbeRequest}), sent from the probe's own thread. */
export interface ProbeReply {
  type: 'reply';
  pid: number;
  id: number;
  result?: unknown;
  error?: string;
}

/** The program asks the adapter for something (`debug_async_operation` wants its breakpoints set); answered by the `answer` request. */
export interface ProgramRequest {
  type: 'request';
  pid: number;
  id: number;
  method: string;
  params: Record<string, unknown>;
}

export type ProbeMessage = ProbeBatch | ProbeReply | ProgramRequest;

/**
 * What the adapter asks of the probe. It is sent by a DAP `evaluate` without frameId of
 * `__import__('sys').modules['async_health']._rpc('<json>')`, which only queues; the answer is a {@link ProbeReply}.
 */
export interface ProbeRequest {
  id: number;
  method: string;
  params: Record<string, unknown>;
}
