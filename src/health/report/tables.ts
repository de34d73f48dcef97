/** The lists of a report that are worth a table to a reader; the written forms lay them out. */
import type { HealthReport, ReportLivingTask, ReportLocation } from '../../shared/report';
import { durationText } from './text';

/** Rows of one table; what is left out is said. */
const MAX_ROWS = 25;

export interface ReportTable {
  title: string;
  columns: string[];
  rows: string[][];
  /** Rows that are not shown. */
  more: number;
}

/** Only those that have rows: a program that ended well has no living tasks, no waits and no violations. */
export function tables(report: HealthReport): ReportTable[] {
  const { tasks, scopes, locks, sessions } = report;
  return [
    table(
      'Tasks that live',
      ['task', 'state', 'waits for', 'at', 'since', 'age', 'awaited by'],
      list<ReportLivingTask>(tasks.living),
      (task) => [
        named(task.name, task.coroutine),
        task.state,
        task.waits_for ?? '',
        place(task.at),
        duration(task.wait_ms),
        duration(task.age_ms),
        task.awaited_by.join(', '),
      ],
    ),
    table('Scopes left wrongly', ['what', 'scope', 'entered by', 'at', 'left by', 'at'], list<Violation>(scopes.violations), (one) => [
      one.kind,
      one.type,
      one.host ?? '',
      place(one.entered),
      one.task ?? '',
      place(one.place),
    ]),
    table(
      'Locks that are waited for',
      ['lock', 'held by', 'waiting', 'longest wait', 'made'],
      list<WaitedFor>(locks.waited_for),
      (lock) => [
        lock.name ?? lock.type,
        lock.holders.map((holder) => `${holder.task} (${durationText(holder.held_ms)})`).join(', '),
        String(lock.waiting),
        durationText(Math.max(0, ...lock.waiters.map((waiter) => waiter.wait_ms))),
        place(lock.made),
      ],
    ),
    table(
      'Sessions',
      ['session', 'state', 'opened', 'operations', 'succeeded', 'mean', 'pool'],
      list<SessionEntry>(sessions.list),
      (session) => [
        named(session.name ?? session.type, session.type),
        session.open ? 'open' : session.lost ? 'never closed' : 'closed',
        place(session.opened),
        String(session.operations),
        session.success_rate === null ? '' : `${Math.round(session.success_rate * 1000) / 10} %`,
        duration(session.mean_ms),
        session.pool === null ? '' : `${session.pool.in_use} of ${session.pool.size || 'any'}, ${session.pool.waiting} waiting`,
      ],
    ),
  ].filter(({ rows }) => rows.length > 0);
}

interface Violation {
  kind: string;
  type: string;
  host: string | null;
  task: string | null;
  entered: ReportLocation | null;
  place: ReportLocation | null;
}

interface WaitedFor {
  type: string;
  name: string | null;
  made: ReportLocation | null;
  holders: { task: string; held_ms: number }[];
  waiting: number;
  waiters: { wait_ms: number }[];
}

interface SessionEntry {
  type: string;
  name: string | null;
  open: boolean;
  lost: boolean;
  opened: ReportLocation | null;
  operations: number;
  success_rate: number | null;
  mean_ms: number | null;
  pool: { in_use: number; size: number; waiting: number } | null;
}

function table<T>(title: string, columns: string[], entries: T[], row: (entry: T) => string[]): ReportTable {
  return { title, columns, rows: entries.slice(0, MAX_ROWS).map(row), more: Math.max(0, entries.length - MAX_ROWS) };
}

/** A report that was read from a file may be an older one. */
function list<T>(value: unknown): T[] {
  return Array.isArray(value) ? (value as T[]) : [];
}

function named(name: string, also: string): string {
  return also === '' || also === name ? name : `${name} (${also})`;
}

function duration(ms: number | null): string {
  return ms === null ? '' : durationText(ms);
}

function place(where: ReportLocation | null): string {
  return where === null ? '' : `${where.file.split(/[\\/]/).pop()}:${where.line}`;
}
