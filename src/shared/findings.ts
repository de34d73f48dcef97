/** The findings' vocabulary: codes, severities and the shape of a finding as reports, the panel and the editor show it. */

export const FINDING_CODES = [
  'cross-task-exit',
  'abandoned-generator',
  'yield-in-scope',
  'scope-outlives-task',
  'out-of-order-exit',
  'leaked-scope',
  'cancel-spin',
  'foreign-cancel',
  'swallowed-cancellation',
  'lock-deadlock',
  'lock-reentry',
  'lock-abandoned',
  'lock-timeout',
  'queue-stuck',
  'unclosed-session',
  'blocked-loop',
  'orphaned-task',
  'exception-never-retrieved',
  'never-awaited',
  'wrong-loop',
  'stuck-task',
] as const;

/** Stable code of a finding; part of the public report format. */
export type FindingCode = (typeof FINDING_CODES)[number];

export type Severity = 'error' | 'warning' | 'info';

/** A place in source code. `line` is 1-based. */
export interface SourceLocation {
  file: string;
  line: number;
  function: string;
}

export interface TaskRef {
  /** Model-wide id, stable for the life of a session; not the address. */
  id: number;
  name: string;
}

/** Another place that belongs to a finding: "entered here", "created here", "holder". */
export interface RelatedLocation extends SourceLocation {
  label: string;
  task?: TaskRef;
  /** Whole stack, leaf first, when recorded. */
  stack?: SourceLocation[];
}

/** One thing that went wrong. */
export interface Finding {
  /** Unique within a session. */
  id: number;
  code: FindingCode;
  severity: Severity;
  /** One sentence: what happened, with the names. */
  message: string;
  /** What to do, fitted to the running versions. */
  advice: string;
  task?: TaskRef;
  location?: SourceLocation;
  /** What `location` is, as the labels of `related`: "left here". */
  here?: string;
  /** Whole stack of `location`, leaf first, when recorded. */
  stack?: SourceLocation[];
  related: RelatedLocation[];
  /** Findings of one incident share this; the root finding's id. */
  incident: number;
  /** How often it was seen. */
  count: number;
  /** ms since the probe's start. */
  firstSeenMs: number;
  lastSeenMs: number;
  /** True once the condition is over (a lock that was held too long is free again). */
  resolved: boolean;
}
