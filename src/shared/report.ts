/** The report of one run: what `run --json`, `report`, the panel's "Save report" and `async_health.generate_report()` give. Keys are snake_case: it is a public file format. */
import type { FindingCode, Severity } from './findings';

export const REPORT_VERSION = 1;

export interface ReportLocation {
  file: string;
  line: number;
  function: string;
}

export interface ReportFinding {
  code: FindingCode;
  severity: Severity;
  message: string;
  advice: string;
  task: { id: number; name: string } | null;
  location: ReportLocation | null;
  related: ({ label: string } & ReportLocation)[];
  incident: number;
  count: number;
  first_seen_ms: number;
}

/** Who cancelled a task; `scope` and `reason` when a cancel scope, timeout, task group or nursery did it. */
export interface ReportCancel {
  task: string | null;
  scope: string | null;
  reason: string | null;
  /** The program's own word for it: `task.cancel(msg)`, `scope.cancel(reason)`. */
  message: string | null;
  at: ReportLocation | null;
  /** Of the call that cancelled, leaf first. */
  stack: ReportLocation[];
  /** Calls of `Task.cancel()`; trio has none of these. */
  requests: number;
  /** Taken back, absorbed by its scope, or the task ended by it. */
  answered: boolean;
  /** ms since the task's creation. */
  after_ms: number;
}

/** What is known of every task. The figures of its steps are null unless they are taken (detail `full`). Stacks are leaf first. */
export interface ReportTaskFacts {
  id: number;
  name: string;
  coroutine: string;
  parent: string | null;
  creator: string | null;
  created: ReportLocation | null;
  creation_stack: ReportLocation[];
  steps: number | null;
  busy_ms: number | null;
  longest_step_ms: number | null;
  /** How often it was ready and had to wait for its turn, how long in all and at most. */
  waits: number | null;
  ready_to_running_ms: number | null;
  longest_ready_to_running_ms: number | null;
  cancelled_by: ReportCancel | null;
}

export interface ReportLivingTask extends ReportTaskFacts {
  state: 'running' | 'ready' | 'waiting';
  waits_for: string | null;
  at: ReportLocation | null;
  wait_ms: number | null;
  /** Coroutines between the task's own and the one that waits, both counted; null when it was not looked at. */
  await_depth: number | null;
  /** The chain is longer than that. */
  await_stack_cut: boolean;
  await_stack: ReportLocation[];
  awaited_by: string[];
  age_ms: number;
}

export interface ReportFinishedTask extends ReportTaskFacts {
  outcome: 'done' | 'cancelled' | 'failed' | 'dropped';
  life_ms: number;
  exception?: string;
  /** Where the exception was raised. */
  failed_at?: ReportLocation[];
}

export interface HealthReport {
  version: number;
  program: string;
  python: string;
  duration_ms: number;
  dropped: number;
  findings: ReportFinding[];
  tasks: Record<string, unknown>;
  scopes: Record<string, unknown>;
  locks: Record<string, unknown>;
  sessions: Record<string, unknown>;
  loop: Record<string, unknown>;
  system: Record<string, unknown>;
  statistics: Record<string, unknown>;
}
