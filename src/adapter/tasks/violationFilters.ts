/** The exception filters "Async: errors" and "Async: warnings": taking them out of `setExceptionBreakpoints`, and what they mean. Pure. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { FINDING_CODES, type FindingCode, type Severity } from '../../shared/findings';

export const ERRORS_FILTER = 'asyncHealth.errors';
export const WARNINGS_FILTER = 'asyncHealth.warnings';

const CONDITION_HINT = 'Codes of findings to stop at, for example: cross-task-exit, lock-reentry (empty: all)';

export const FILTERS: DebugProtocol.ExceptionBreakpointsFilter[] = [
  {
    filter: ERRORS_FILTER,
    label: 'Async: errors',
    description: 'Stops in the offending frame when async code goes wrong: a scope left by another task, a lock taken twice, a deadlock …',
    default: false,
    supportsCondition: true,
    conditionDescription: CONDITION_HINT,
  },
  {
    filter: WARNINGS_FILTER,
    label: 'Async: warnings',
    description: 'Also stops at what is likely wrong: a blocked loop, a coroutine never awaited, a session left open …',
    default: false,
    supportsCondition: true,
    conditionDescription: CONDITION_HINT,
  },
];

/** Codes that count as warnings where they are seen in the program itself; the model's findings say their severity themselves. */
const WARNINGS: ReadonlySet<FindingCode> = new Set<FindingCode>([
  'yield-in-scope',
  'foreign-cancel',
  'swallowed-cancellation',
  'lock-timeout',
  'unclosed-session',
  'blocked-loop',
  'orphaned-task',
  'never-awaited',
  'stuck-task',
]);

export function severityOf(code: FindingCode): Severity {
  return WARNINGS.has(code) ? 'warning' : 'error';
}

/** What the user has armed. */
export interface Armed {
  errors: ReadonlySet<FindingCode> | null;
  warnings: ReadonlySet<FindingCode> | null;
}

export const NOTHING_ARMED: Armed = { errors: null, warnings: null };

/** Whether a finding of that code and severity is one to stop at. A code named in a condition stops whatever its severity. */
export function stopsAt(armed: Armed, code: FindingCode, severity: Severity): boolean {
  const all = FINDING_CODES.length;
  for (const [codes, wanted] of [
    [armed.errors, 'error'],
    [armed.warnings, 'warning'],
  ] as const) {
    if (codes?.has(code) && (codes.size < all || severity === wanted)) return true;
  }
  return false;
}

/** All codes that the probe is to stop at by itself. */
export function codesToStopAt(armed: Armed): FindingCode[] {
  return FINDING_CODES.filter((code) => stopsAt(armed, code, severityOf(code)));
}

export interface Split {
  /** For debugpy: without our filters, and without `filterOptions` when it does not know them. */
  rest: DebugProtocol.SetExceptionBreakpointsArguments;
  armed: Armed;
  /** Our entries of the response's `breakpoints`, by position in the client's list. */
  ours: Map<number, DebugProtocol.Breakpoint>;
  /** How many entries the client's list has. */
  total: number;
}

/** Splits the client's arguments. `knowsOptions`: debugpy has `supportsExceptionFilterOptions`. */
export function splitFilters(args: DebugProtocol.SetExceptionBreakpointsArguments, knowsOptions: boolean): Split {
  const { filterOptions = [], ...plain } = args;
  const rest: DebugProtocol.SetExceptionBreakpointsArguments = { ...plain, filters: [] };
  const kept: DebugProtocol.ExceptionFilterOptions[] = [];
  const ours = new Map<number, DebugProtocol.Breakpoint>();
  const armed: { -readonly [K in keyof Armed]: Armed[K] } = { ...NOTHING_ARMED };
  let position = 0;
  const take = (filterId: string, condition: string | undefined): boolean => {
    if (filterId !== ERRORS_FILTER && filterId !== WARNINGS_FILTER) return false;
    const { codes, unknown } = parseCodes(condition);
    armed[filterId === ERRORS_FILTER ? 'errors' : 'warnings'] = codes;
    ours.set(
      position,
      unknown.length === 0
        ? { verified: true }
        : { verified: codes.size > 0, message: `Not a code of a finding: ${unknown.join(', ')}. Codes: ${FINDING_CODES.join(', ')}.` },
    );
    return true;
  };
  for (const filter of args.filters ?? []) {
    if (!take(filter, undefined)) rest.filters.push(filter);
    position += 1;
  }
  for (const option of filterOptions) {
    if (!take(option.filterId, option.condition)) {
      if (knowsOptions) kept.push(option);
      else rest.filters.push(option.filterId);
    }
    position += 1;
  }
  if (knowsOptions && args.filterOptions) rest.filterOptions = kept;
  return { rest, armed, ours, total: position };
}

/** debugpy's `breakpoints` with ours at their places. */
export function mergeResults(theirs: DebugProtocol.Breakpoint[] | undefined, split: Split): DebugProtocol.Breakpoint[] | undefined {
  if (!theirs && split.ours.size === 0) return undefined;
  const queue = [...(theirs ?? [])];
  const merged: DebugProtocol.Breakpoint[] = [];
  for (let position = 0; position < split.total; position++) merged.push(split.ours.get(position) ?? queue.shift() ?? { verified: true });
  return [...merged, ...queue];
}

function parseCodes(condition: string | undefined): { codes: Set<FindingCode>; unknown: string[] } {
  const words = (condition ?? '').split(/[\s,;]+/).filter(Boolean);
  if (words.length === 0) return { codes: new Set(FINDING_CODES), unknown: [] };
  const known = words.filter((word): word is FindingCode => (FINDING_CODES as readonly string[]).includes(word));
  return { codes: new Set(known), unknown: words.filter((word) => !(FINDING_CODES as readonly string[]).includes(word)) };
}
