/**
 * Between the panel's page and its host. The page keeps no truth: it says what it looks at (a window on each list), the
 * host sends those rows, first whole (`snapshot`), then what changed (`delta`), numbered. A gap makes the page ask again with
 * `ready`. So the cost of a tick depends on what is visible, not on how many tasks live.
 */
import type { Finding, SourceLocation } from './findings';
import type { LoopRow, Row, SystemRow } from './rows';
import type { Detail } from './wire';

export type ListName = 'findings' | 'tasks' | 'scopes' | 'locks' | 'sessions';

/** What the page shows of one list. */
export interface ListQuery {
  /** Free text, matched against names, coroutine, location, state. */
  filter?: string;
  /** Tasks: also finished ones. Sessions: also closed ones. Findings: also resolved ones. */
  includeEnded?: boolean;
  /** Column key of the row type; default order is the tree (tasks, scopes) or relevance. */
  sort?: { key: string; descending: boolean };
  /** Tasks and scopes: ids whose children are hidden. */
  collapsed?: number[];
  /** Move the window so that it holds this row's id, when the list has it; the answer's `offset` tells where (page: "reveal"). */
  around?: number;
  /** Tasks: the row whose stacks are wanted as well. */
  selected?: number;
  /** Row range wanted, page adds its own overscan. */
  offset: number;
  limit: number;
}

export interface ListWindow<R = Row | Finding> {
  /** Rows that match (scroll height). */
  total: number;
  /** All there are, without the filter. */
  all: number;
  offset: number;
  rows: R[];
}

export type ProbeStatus = 'off' | 'starting' | 'live' | 'lost' | 'failed' | 'ended';

export interface ProcessInfo {
  /** Key of the process: the debug session's id. */
  id: string;
  label: string;
  pid?: number;
  state: 'starting' | 'running' | 'paused' | 'ended';
  probe: ProbeStatus;
  /** Why the probe is not live, with the next step. */
  probeMessage?: string;
  detail?: Detail;
  findings: number;
  /** Of one that ended, where the debugger said it. */
  exitCode?: number;
}

/** What is always shown, small. */
export interface Overview {
  processes: ProcessInfo[];
  selected?: string;
  counts: Record<ListName, number> & { errors: number; warnings: number };
  loops: LoopRow[];
  system?: SystemRow;
  /** Last 120 samples, oldest first: for the charts. */
  history: { cpu: number[]; rssMb: number[]; lagMs: number[]; tasks: number[] };
  /** Events lost to full buffers, with where. 0 = none. */
  dropped: number;
  /** ms since the probe's start at this tick. */
  nowMs: number;
  debug: DebugStatistics;
  libraries: Record<string, string>;
  python?: string;
}

/** RemoteDebugger's own numbers: the "debug stats" section. */
export interface DebugStatistics {
  sessions: { id: string; name: string; active: boolean; breakpoints: number; events: number; ageMs: number }[];
  requests: number;
  events: number;
  errors: number;
  meanRoundTripMs: number;
}

/** Host to page. */
export type ToPanel =
  | { type: 'snapshot'; seq: number; overview: Overview; lists: Partial<Record<ListName, ListWindow>> }
  | { type: 'delta'; seq: number; overview?: Partial<Overview>; lists?: Partial<Record<ListName, ListDelta>> }
  | { type: 'reveal'; list: ListName; id: number }
  | { type: 'result'; request: number; ok: boolean; message?: string };

/** Change of one window: `order` (row ids, absent = unchanged) and the rows that are new or differ. */
export interface ListDelta {
  total: number;
  all: number;
  offset: number;
  order?: number[];
  changed: (Row | Finding)[];
}

export type PanelAction =
  | { do: 'open'; location: SourceLocation }
  | { do: 'selectProcess'; id: string }
  | { do: 'setDetail'; detail: Detail }
  | { do: 'startDebugging' }
  | { do: 'saveReport'; format: 'json' | 'markdown' | 'html' }
  | { do: 'saveRecording' }
  | { do: 'cancelTask'; task: number }
  | { do: 'breakOnResume'; task: number }
  | { do: 'runUntilResume'; task: number }
  | { do: 'copy'; text: string }
  | { do: 'openSettings' }
  | { do: 'showLog' };

/** Page to host. */
export type FromPanel =
  | { type: 'ready'; views: Partial<Record<ListName, ListQuery>> }
  | { type: 'view'; list: ListName; query: ListQuery | null }
  | { type: 'action'; request: number; action: PanelAction }
  | { type: 'painted'; seq: number }
  | { type: 'error'; message: string; stack?: string };
