/**
 * Reading what the host sends: garbage must never break the page. What is malformed is left out and said; what is merely
 * incomplete is filled in, so that the sections can rely on the types. Pure.
 */
import { FINDING_CODES, type Finding, type RelatedLocation, type SourceLocation, type TaskRef } from '../../src/shared/findings';
import type { DebugStatistics, ListDelta, ListName, ListWindow, Overview, ProcessInfo, ToPanel } from '../../src/shared/panel';
import type { LockRow, LoopRow, Row, ScopeRow, SessionRow, TaskRow, TaskStacks } from '../../src/shared/rows';

export const LIST_NAMES: readonly ListName[] = ['findings', 'tasks', 'scopes', 'locks', 'sessions'];

/** The message when it can be used (perhaps in part), and what was wrong with it. */
export interface ParsedMessage {
  message?: ToPanel;
  problems: string[];
}

type Bag = Record<string, unknown>;
const isBag = (x: unknown): x is Bag => typeof x === 'object' && x !== null && !Array.isArray(x);
const num = (x: unknown, fallback = 0): number => (typeof x === 'number' && Number.isFinite(x) ? x : fallback);
const optNum = (x: unknown): number | undefined => (typeof x === 'number' && Number.isFinite(x) ? x : undefined);
const str = (x: unknown, fallback = ''): string => (typeof x === 'string' ? x : fallback);
const optStr = (x: unknown): string | undefined => (typeof x === 'string' && x !== '' ? x : undefined);
const list = (x: unknown): unknown[] => (Array.isArray(x) ? x : []);
const count = (x: unknown): number => Math.max(0, Math.floor(num(x)));

function place(x: unknown): SourceLocation | undefined {
  if (!isBag(x) || typeof x.file !== 'string') return undefined;
  return { file: x.file, line: Math.max(1, Math.floor(num(x.line, 1))), function: str(x.function) };
}
const places = (x: unknown): SourceLocation[] => list(x).flatMap((item) => place(item) ?? []);
function task(x: unknown): TaskRef | undefined {
  return isBag(x) && typeof x.id === 'number' ? { id: x.id, name: str(x.name, `task ${x.id}`) } : undefined;
}
const tasks = (x: unknown): TaskRef[] => list(x).flatMap((item) => task(item) ?? []);
const ids = (x: unknown): number[] => list(x).filter((id): id is number => typeof id === 'number');

function readFinding(x: Bag): Finding {
  const stack = places(x.stack);
  return {
    id: x.id as number,
    // An unknown code of a newer model is shown as it is.
    code: str(x.code, FINDING_CODES[0]) as Finding['code'],
    severity: x.severity === 'error' || x.severity === 'warning' ? x.severity : 'info',
    message: str(x.message, 'Unnamed finding'),
    advice: str(x.advice),
    task: task(x.task),
    location: place(x.location),
    here: typeof x.here === 'string' ? x.here : undefined,
    stack: stack.length > 0 ? stack : undefined,
    related: list(x.related).flatMap((item): RelatedLocation[] => {
      const at = place(item);
      if (!at || !isBag(item)) return [];
      const itemStack = places(item.stack);
      return [{ ...at, label: str(item.label, 'related'), task: task(item.task), stack: itemStack.length > 0 ? itemStack : undefined }];
    }),
    incident: num(x.incident, x.id as number),
    count: Math.max(1, count(x.count)),
    firstSeenMs: num(x.firstSeenMs),
    lastSeenMs: num(x.lastSeenMs, num(x.firstSeenMs)),
    resolved: x.resolved === true,
  };
}

const TASK_STATES = new Set(['running', 'ready', 'waiting', 'done', 'cancelled', 'failed', 'dropped']);

function readStacks(x: Bag): TaskStacks {
  return { awaits: places(x.awaits), created: places(x.created), cancelled: places(x.cancelled), failed: places(x.failed) };
}

function readTask(x: Bag): TaskRow {
  return {
    kind: 'task',
    id: x.id as number,
    address: num(x.address),
    name: str(x.name, `task ${x.id}`),
    coroutine: str(x.coroutine),
    state: (TASK_STATES.has(x.state as string) ? x.state : 'waiting') as TaskRow['state'],
    depth: count(x.depth),
    parent: task(x.parent),
    children: count(x.children),
    waitsFor: optStr(x.waitsFor),
    waitsAt: place(x.waitsAt),
    waitMs: optNum(x.waitMs),
    awaitedBy: tasks(x.awaitedBy),
    createdAt: place(x.createdAt),
    ageMs: num(x.ageMs),
    steps: num(x.steps),
    busyMs: num(x.busyMs),
    longestStepMs: num(x.longestStepMs),
    waits: num(x.waits),
    readyMs: num(x.readyMs),
    longestReadyMs: num(x.longestReadyMs),
    awaitDepth: optNum(x.awaitDepth),
    stacks: isBag(x.stacks) ? readStacks(x.stacks) : undefined,
    cancelRequested: x.cancelRequested === true,
    cancelledBy: optStr(x.cancelledBy),
    exception: optStr(x.exception),
    findings: ids(x.findings),
  };
}

function readScope(x: Bag): ScopeRow {
  return {
    kind: 'scope',
    id: x.id as number,
    type: str(x.type, 'scope'),
    name: optStr(x.name),
    host: task(x.host),
    depth: count(x.depth),
    active: x.active !== false,
    shield: x.shield === true,
    deadlineInMs: optNum(x.deadlineInMs),
    cancelled: optStr(x.cancelled),
    enteredAt: place(x.enteredAt),
    ageMs: num(x.ageMs),
    tasks: num(x.tasks),
    deliveries: num(x.deliveries),
    findings: ids(x.findings),
  };
}

function readLock(x: Bag): LockRow {
  return {
    kind: 'lock',
    id: x.id as number,
    type: str(x.type, 'lock'),
    name: optStr(x.name),
    createdAt: place(x.createdAt),
    holders: list(x.holders).flatMap((item) => {
      const ref = task(item);
      return ref && isBag(item) ? [{ ...ref, heldMs: num(item.heldMs), at: place(item.at) }] : [];
    }),
    waiters: list(x.waiters).flatMap((item) => {
      const ref = task(item);
      return ref && isBag(item) ? [{ ...ref, waitMs: num(item.waitMs), at: place(item.at), op: str(item.op) }] : [];
    }),
    capacity: optNum(x.capacity),
    value: optNum(x.value),
    acquisitions: num(x.acquisitions),
    contended: num(x.contended),
    longestHoldMs: num(x.longestHoldMs),
    longestWaitMs: num(x.longestWaitMs),
    findings: ids(x.findings),
  };
}

function readSession(x: Bag): SessionRow {
  const pool = isBag(x.pool) ? { inUse: num(x.pool.inUse), size: num(x.pool.size), waiting: num(x.pool.waiting) } : undefined;
  return {
    kind: 'session',
    id: x.id as number,
    type: str(x.type, 'session'),
    name: optStr(x.name),
    open: x.open !== false,
    opener: task(x.opener),
    openedAt: place(x.openedAt),
    ageMs: num(x.ageMs),
    operations: num(x.operations),
    failures: num(x.failures),
    successRate: optNum(x.successRate),
    meanMs: optNum(x.meanMs),
    pool,
    findings: ids(x.findings),
  };
}

const READERS: Record<ListName, (x: Bag) => Row | Finding> = {
  findings: readFinding,
  tasks: readTask,
  scopes: readScope,
  locks: readLock,
  sessions: readSession,
};

function readRows(name: ListName, x: unknown, problems: string[]): (Row | Finding)[] {
  if (!Array.isArray(x)) {
    problems.push(`${name}: rows are not a list`);
    return [];
  }
  let bad = 0;
  const rows: (Row | Finding)[] = [];
  for (const item of x) {
    if (isBag(item) && typeof item.id === 'number') rows.push(READERS[name](item));
    else bad++;
  }
  if (bad > 0) problems.push(`${name}: ${bad} malformed row${bad === 1 ? '' : 's'}`);
  return rows;
}

function readLoop(x: Bag): LoopRow {
  const blocked = isBag(x.blocked) ? { forMs: num(x.blocked.forMs), at: place(x.blocked.at), task: task(x.blocked.task) } : undefined;
  return {
    kind: 'loop',
    id: num(x.id),
    type: str(x.type, 'loop'),
    threadId: num(x.threadId),
    threadName: optStr(x.threadName),
    running: x.running !== false,
    lagMs: num(x.lagMs),
    worstLagMs: num(x.worstLagMs),
    readyLength: num(x.readyLength),
    turnsPerSecond: num(x.turnsPerSecond),
    blocked,
    slowCallbacks: num(x.slowCallbacks),
  };
}

const PROCESS_STATES = new Set(['starting', 'running', 'paused', 'ended']);
const PROBE_STATES = new Set(['off', 'starting', 'live', 'lost', 'failed', 'ended']);

function readProcess(x: unknown): ProcessInfo[] {
  if (!isBag(x) || typeof x.id !== 'string') return [];
  return [
    {
      id: x.id,
      label: str(x.label, 'process'),
      pid: optNum(x.pid),
      state: (PROCESS_STATES.has(x.state as string) ? x.state : 'running') as ProcessInfo['state'],
      probe: (PROBE_STATES.has(x.probe as string) ? x.probe : 'off') as ProcessInfo['probe'],
      probeMessage: optStr(x.probeMessage),
      exitCode: typeof x.exitCode === 'number' ? x.exitCode : undefined,
      detail: x.detail === 'light' || x.detail === 'standard' || x.detail === 'full' ? x.detail : undefined,
      findings: count(x.findings),
    },
  ];
}

export function emptyDebug(): DebugStatistics {
  return { sessions: [], requests: 0, events: 0, errors: 0, meanRoundTripMs: 0 };
}

function readDebug(x: unknown): DebugStatistics {
  if (!isBag(x)) return emptyDebug();
  return {
    sessions: list(x.sessions).flatMap((item) =>
      isBag(item)
        ? [
            {
              id: str(item.id),
              name: str(item.name, 'session'),
              active: item.active === true,
              breakpoints: num(item.breakpoints),
              events: num(item.events),
              ageMs: num(item.ageMs),
            },
          ]
        : [],
    ),
    requests: num(x.requests),
    events: num(x.events),
    errors: num(x.errors),
    meanRoundTripMs: num(x.meanRoundTripMs),
  };
}

export function emptyOverview(): Overview {
  return readOverview({}) as Overview;
}

/** Full overview from `x`; with `partial`, only the parts that `x` names. */
function readOverview(x: Bag, partial = false): Partial<Overview> {
  const has = (key: string) => !partial || key in x;
  const out: Partial<Overview> = {};
  if (has('processes')) out.processes = list(x.processes).flatMap(readProcess);
  if (has('selected')) out.selected = optStr(x.selected);
  if (has('counts')) {
    const c = isBag(x.counts) ? x.counts : {};
    out.counts = {
      findings: count(c.findings),
      tasks: count(c.tasks),
      scopes: count(c.scopes),
      locks: count(c.locks),
      sessions: count(c.sessions),
      errors: count(c.errors),
      warnings: count(c.warnings),
    };
  }
  if (has('loops')) out.loops = list(x.loops).flatMap((item) => (isBag(item) ? [readLoop(item)] : []));
  if (has('system')) {
    const s = x.system;
    out.system = isBag(s)
      ? { cpu: num(s.cpu), rssBytes: num(s.rssBytes), threads: num(s.threads), fds: num(s.fds, -1), gcPauseMs: num(s.gcPauseMs) }
      : undefined;
  }
  if (has('history')) {
    const h = isBag(x.history) ? x.history : {};
    const numbers = (v: unknown) => list(v).map((n) => num(n));
    out.history = { cpu: numbers(h.cpu), rssMb: numbers(h.rssMb), lagMs: numbers(h.lagMs), tasks: numbers(h.tasks) };
  }
  if (has('dropped')) out.dropped = count(x.dropped);
  if (has('nowMs')) out.nowMs = num(x.nowMs);
  if (has('debug')) out.debug = readDebug(x.debug);
  if (has('libraries')) {
    out.libraries = isBag(x.libraries) ? Object.fromEntries(Object.entries(x.libraries).map(([k, v]) => [k, String(v)])) : {};
  }
  if (has('python')) out.python = optStr(x.python);
  return out;
}

function readLists<T>(x: unknown, problems: string[], read: (name: ListName, bag: Bag) => T): Partial<Record<ListName, T>> {
  const out: Partial<Record<ListName, T>> = {};
  if (x === undefined) return out;
  if (!isBag(x)) {
    problems.push('lists is not an object');
    return out;
  }
  for (const [name, value] of Object.entries(x)) {
    if (!LIST_NAMES.includes(name as ListName)) problems.push(`unknown list ${JSON.stringify(name.slice(0, 40))}`);
    else if (isBag(value)) out[name as ListName] = read(name as ListName, value);
    else if (value !== undefined) problems.push(`${name}: not an object`);
  }
  return out;
}

/** Reads one message of the host. */
export function parseToPanel(data: unknown): ParsedMessage {
  const problems: string[] = [];
  const fail = (why: string): ParsedMessage => ({ problems: [why] });
  if (!isBag(data)) return fail('a message is not an object');
  switch (data.type) {
    case 'snapshot': {
      if (typeof data.seq !== 'number') return fail('a snapshot has no number');
      if (!isBag(data.overview)) problems.push('a snapshot has no overview');
      const lists = readLists<ListWindow>(data.lists, problems, (name, bag) => ({
        total: count(bag.total),
        all: count(bag.all),
        offset: count(bag.offset),
        rows: readRows(name, bag.rows, problems),
      }));
      const overview = readOverview(isBag(data.overview) ? data.overview : {}) as Overview;
      return { message: { type: 'snapshot', seq: data.seq, overview, lists }, problems };
    }
    case 'delta': {
      if (typeof data.seq !== 'number') return fail('a change has no number');
      const lists = readLists<ListDelta>(data.lists, problems, (name, bag) => ({
        total: count(bag.total),
        all: count(bag.all),
        offset: count(bag.offset),
        order: Array.isArray(bag.order) ? ids(bag.order) : undefined,
        changed: readRows(name, bag.changed ?? [], problems),
      }));
      const overview = isBag(data.overview) ? readOverview(data.overview, true) : undefined;
      return { message: { type: 'delta', seq: data.seq, overview, lists }, problems };
    }
    case 'reveal': {
      if (!LIST_NAMES.includes(data.list as ListName) || typeof data.id !== 'number') return fail('a reveal names no row');
      return { message: { type: 'reveal', list: data.list as ListName, id: data.id }, problems };
    }
    case 'result':
      if (typeof data.request !== 'number') return fail('a result has no request number');
      return { message: { type: 'result', request: data.request, ok: data.ok === true, message: optStr(data.message) }, problems };
    default:
      return fail(`unknown message type ${JSON.stringify(data.type)?.slice(0, 60)}`);
  }
}
