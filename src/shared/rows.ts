/** What the model shows of each thing: plain data, JSON-safe, one shape for panel, trees, reports and tests. Times are ms since the probe's start. */
import type { SourceLocation, TaskRef } from './findings';

export type TaskState = 'running' | 'ready' | 'waiting' | 'done' | 'cancelled' | 'failed' | 'dropped';

export interface TaskRow {
  kind: 'task';
  id: number;
  /** Address in the process, for requests to the probe. */
  address: number;
  name: string;
  coroutine: string;
  state: TaskState;
  /** Depth in the tree, 0 = root. */
  depth: number;
  parent?: TaskRef;
  children: number;
  /** What it waits for: `Lock db.py:41`, `sleep`, `Task-7 fetch`. */
  waitsFor?: string;
  waitsAt?: SourceLocation;
  /** ms it has waited there. */
  waitMs?: number;
  awaitedBy: TaskRef[];
  createdAt?: SourceLocation;
  ageMs: number;
  /** The figures of its steps are taken at detail `full`; 0 steps: none were timed. */
  steps: number;
  busyMs: number;
  longestStepMs: number;
  /** How often it was ready and waited for its turn, how long in all and at most. */
  waits: number;
  readyMs: number;
  longestReadyMs: number;
  /** Coroutines from its own down to the one that waits. */
  awaitDepth?: number;
  /** Whole stacks, leaf first, of the row that is looked at closely (the query's `selected`). */
  stacks?: TaskStacks;
  cancelRequested: boolean;
  cancelledBy?: string;
  exception?: string;
  findings: number[];
}

export interface TaskStacks {
  /** The coroutine chain where it waits. */
  awaits?: SourceLocation[];
  created?: SourceLocation[];
  cancelled?: SourceLocation[];
  failed?: SourceLocation[];
}

export interface ScopeRow {
  kind: 'scope';
  id: number;
  /** `CancelScope`, `TaskGroup`, `timeout`, `nursery`. */
  type: string;
  name?: string;
  host?: TaskRef;
  depth: number;
  active: boolean;
  shield: boolean;
  /** ms until (negative: since) the deadline. */
  deadlineInMs?: number;
  cancelled?: string;
  enteredAt?: SourceLocation;
  ageMs: number;
  tasks: number;
  deliveries: number;
  findings: number[];
}

export interface LockRow {
  kind: 'lock';
  id: number;
  type: string;
  name?: string;
  createdAt?: SourceLocation;
  holders: (TaskRef & { heldMs: number; at?: SourceLocation })[];
  waiters: (TaskRef & { waitMs: number; at?: SourceLocation; op: string })[];
  capacity?: number;
  value?: number;
  acquisitions: number;
  contended: number;
  longestHoldMs: number;
  longestWaitMs: number;
  findings: number[];
}

export interface SessionRow {
  kind: 'session';
  id: number;
  type: string;
  name?: string;
  open: boolean;
  opener?: TaskRef;
  openedAt?: SourceLocation;
  ageMs: number;
  operations: number;
  failures: number;
  /** 0..1, of finished operations. */
  successRate?: number;
  meanMs?: number;
  pool?: { inUse: number; size: number; waiting: number };
  findings: number[];
}

export interface LoopRow {
  kind: 'loop';
  id: number;
  type: string;
  threadId: number;
  /** Known while there are several loops. */
  threadName?: string;
  running: boolean;
  lagMs: number;
  worstLagMs: number;
  /** Not set where the loop does not let it be known (uvloop). */
  readyLength?: number;
  turnsPerSecond?: number;
  /** Set while it is blocked. */
  blocked?: { forMs: number; at?: SourceLocation; task?: TaskRef };
  slowCallbacks: number;
}

export interface SystemRow {
  cpu: number;
  rssBytes: number;
  threads: number;
  fds: number;
  gcPauseMs: number;
}

export type Row = TaskRow | ScopeRow | LockRow | SessionRow;
