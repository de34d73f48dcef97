import type { Finding } from '../shared/findings';
import type {
  DebugStatistics,
  FromPanel,
  ListDelta,
  ListName,
  ListQuery,
  ListWindow,
  Overview,
  PanelAction,
  ProcessInfo,
  ToPanel,
} from '../shared/panel';
import type { Row } from '../shared/rows';
import type { HealthModel } from './model';
import { fingerprint } from './views/fingerprint';

/** One process as the panel's owner knows it. */
export interface FeedProcess {
  info: ProcessInfo;
  model?: HealthModel;
  /** RemoteDebugger's numbers, asked for once a tick at most. */
  debug?: () => DebugStatistics;
}

export interface PanelFeedOptions {
  /** The page wants something done; answer with {@link PanelFeed.result}. Selecting a process is done by the feed itself. */
  onAction?: (request: number, action: PanelAction) => void;
  onError?: (message: string, stack?: string) => void;
  /** The page chose another process. */
  onSelect?: (id: string) => void;
}

/** What the page has of one list. */
interface SentList {
  total: number;
  all: number;
  offset: number;
  order: number[];
  rows: Map<number, string>;
}

const NO_STATISTICS: DebugStatistics = { sessions: [], requests: 0, events: 0, errors: 0, meanRoundTripMs: 0 };
/** A page that has not painted this many messages gets no more until it has. */
const MAX_UNPAINTED = 4;
const LISTS: readonly ListName[] = ['findings', 'tasks', 'scopes', 'locks', 'sessions'];

/**
 * Feeds one page: a snapshot when it asks (`ready`), then what changed, numbered. Keeps what the page has, so it can say less;
 * the truth stays in the models. Sends only from {@link tick} (its owner's clock, about ten times a second) and in answer to the
 * page, at most once between two ticks. A hidden page costs nothing.
 */
export class PanelFeed {
  private processes: FeedProcess[] = [];
  private selected: string | undefined;
  private views: Partial<Record<ListName, ListQuery>> = {};
  private sent: Partial<Record<ListName, SentList>> = {};
  private sentOverview: Partial<Record<keyof Overview, string>> = {};
  private sentNowMs = 0;
  private seq = 0;
  private painted = -1;
  private ready = false;
  private visible = true;
  private wantsSnapshot = true;
  private answered = false;
  private skippedTick = false;

  constructor(
    private readonly send: (message: ToPanel) => void,
    private readonly options: PanelFeedOptions = {},
  ) {}

  /** Id of the process that is shown. */
  get current(): string | undefined {
    return this.selected;
  }

  /** Replaces the list of processes. The selected one stays while it is there; a new one takes over from one that has ended. */
  setProcesses(processes: readonly FeedProcess[]): void {
    const before = new Set(this.processes.map((process) => process.info.id));
    const old = this.find();
    const oldModel = old?.model;
    this.processes = [...processes];
    const now = this.find();
    const fresh = this.processes.filter((process) => !before.has(process.info.id) && process.info.state !== 'ended');
    if (now === undefined) this.selected = (fresh[0] ?? this.processes[0])?.info.id;
    else if (now.info.state === 'ended' && fresh[0] !== undefined) this.selected = fresh[0].info.id;
    if (this.find()?.model !== oldModel) this.wantsSnapshot = true;
  }

  select(id: string): void {
    if (id === this.selected || !this.processes.some((process) => process.info.id === id)) return;
    this.selected = id;
    this.wantsSnapshot = true;
    this.options.onSelect?.(id);
  }

  /** Hidden pages get nothing; when shown again they get a snapshot. */
  setVisible(visible: boolean): void {
    if (visible && !this.visible) this.wantsSnapshot = true;
    this.visible = visible;
    this.painted = -1;
  }

  handle(message: FromPanel): void {
    switch (message.type) {
      case 'ready':
        this.ready = true;
        this.painted = -1;
        this.views = {};
        for (const list of LISTS) {
          const query = message.views?.[list];
          if (query) this.views[list] = query;
        }
        this.wantsSnapshot = true;
        this.answer();
        break;
      case 'view':
        if (!LISTS.includes(message.list)) break;
        if (message.query === null) {
          delete this.views[message.list];
          delete this.sent[message.list];
        } else this.views[message.list] = message.query;
        this.answer();
        break;
      case 'action':
        if (message.action.do === 'selectProcess') {
          this.select(message.action.id);
          this.result(message.request, this.selected === message.action.id);
          this.answer();
        } else this.options.onAction?.(message.request, message.action);
        break;
      case 'painted':
        this.painted = message.seq;
        break;
      case 'error':
        this.options.onError?.(message.message, message.stack);
        break;
    }
  }

  result(request: number, ok: boolean, message?: string): void {
    this.send({ type: 'result', request, ok, ...(message === undefined ? {} : { message }) });
  }

  reveal(list: ListName, id: number): void {
    this.send({ type: 'reveal', list, id });
  }

  /** Sends what changed since the last one; its owner calls it about ten times a second. */
  tick(): void {
    const answered = this.answered;
    this.answered = false;
    // Answers and ticks together stay below fifteen a second.
    if (answered && !this.skippedTick) {
      this.skippedTick = true;
      return;
    }
    this.skippedTick = false;
    this.update();
  }

  private answer(): void {
    if (this.answered) return;
    this.answered = true;
    this.update();
  }

  private update(): void {
    if (!this.ready || !this.visible) return;
    if (!this.wantsSnapshot && this.painted >= 0 && this.seq - this.painted > MAX_UNPAINTED) return;
    const model = this.find()?.model;
    const overview = this.overview();
    if (this.wantsSnapshot) {
      this.snapshot(overview, model);
      return;
    }
    const lists: Partial<Record<ListName, ListDelta>> = {};
    let some = false;
    for (const list of LISTS) {
      const query = this.views[list];
      if (query === undefined) continue;
      const delta = this.listDelta(list, this.window(list, query, model), overview.nowMs);
      if (delta === undefined) continue;
      lists[list] = delta;
      some = true;
    }
    const changed = this.overviewDelta(overview, some);
    if (changed === undefined && !some) return;
    this.seq++;
    this.send({ type: 'delta', seq: this.seq, ...(changed === undefined ? {} : { overview: changed }), ...(some ? { lists } : {}) });
  }

  private snapshot(overview: Overview, model: HealthModel | undefined): void {
    this.wantsSnapshot = false;
    this.sent = {};
    this.sentOverview = {};
    const lists: Partial<Record<ListName, ListWindow>> = {};
    for (const list of LISTS) {
      const query = this.views[list];
      if (query === undefined) continue;
      const window = this.window(list, query, model);
      lists[list] = window;
      this.remember(list, window, overview.nowMs);
    }
    for (const key of Object.keys(overview) as (keyof Overview)[]) this.sentOverview[key] = JSON.stringify(overview[key]);
    this.sentNowMs = overview.nowMs;
    this.seq++;
    this.painted = -1;
    this.send({ type: 'snapshot', seq: this.seq, overview, lists });
  }

  private window(list: ListName, query: ListQuery, model: HealthModel | undefined): ListWindow {
    if (model === undefined) return { total: 0, all: 0, offset: 0, rows: [] };
    const window = model.window(list, query);
    if (query.around !== undefined) {
      // Moved once; from here on the window stays where the page scrolls it.
      const { around: _, ...rest } = query;
      this.views[list] = { ...rest, offset: window.offset };
    }
    return window;
  }

  private listDelta(list: ListName, window: ListWindow, nowMs: number): ListDelta | undefined {
    const sent = this.sent[list];
    if (sent === undefined) {
      this.remember(list, window, nowMs);
      return { total: window.total, all: window.all, offset: window.offset, order: window.rows.map((row) => row.id), changed: window.rows };
    }
    const order = window.rows.map((row) => row.id);
    const sameOrder = order.length === sent.order.length && order.every((id, at) => id === sent.order[at]);
    const changed: (Row | Finding)[] = [];
    const rows = new Map<number, string>();
    for (const row of window.rows) {
      const text = fingerprint(row, nowMs);
      rows.set(row.id, text);
      if (sent.rows.get(row.id) !== text) changed.push(row);
    }
    const same = sameOrder && window.total === sent.total && window.all === sent.all && window.offset === sent.offset;
    if (same && changed.length === 0) return undefined;
    this.sent[list] = { total: window.total, all: window.all, offset: window.offset, order, rows };
    return { total: window.total, all: window.all, offset: window.offset, ...(sameOrder ? {} : { order }), changed };
  }

  private remember(list: ListName, window: ListWindow, nowMs: number): void {
    this.sent[list] = {
      total: window.total,
      all: window.all,
      offset: window.offset,
      order: window.rows.map((row) => row.id),
      rows: new Map(window.rows.map((row) => [row.id, fingerprint(row, nowMs)])),
    };
  }

  private overviewDelta(overview: Overview, force: boolean): Partial<Overview> | undefined {
    const changed: Partial<Overview> = {};
    let some = force;
    for (const key of Object.keys(overview) as (keyof Overview)[]) {
      if (key === 'nowMs') continue;
      const text = JSON.stringify(overview[key]);
      if (this.sentOverview[key] === text) continue;
      this.sentOverview[key] = text;
      Object.assign(changed, { [key]: overview[key] });
      some = true;
    }
    // The clock alone is worth a message once a second.
    if (!some && Math.abs(overview.nowMs - this.sentNowMs) < 1_000) return undefined;
    if (overview.nowMs !== this.sentNowMs) changed.nowMs = overview.nowMs;
    this.sentNowMs = overview.nowMs;
    return Object.keys(changed).length === 0 ? undefined : changed;
  }

  private overview(): Overview {
    const process = this.find();
    const debug = process?.debug?.() ?? NO_STATISTICS;
    const parts = process?.model?.overview() ?? {
      counts: { findings: 0, tasks: 0, scopes: 0, locks: 0, sessions: 0, errors: 0, warnings: 0 },
      loops: [],
      history: { cpu: [], rssMb: [], lagMs: [], tasks: [] },
      dropped: 0,
      nowMs: 0,
      libraries: {},
    };
    return {
      ...parts,
      // Absent is said as absent, so that a process without them does not keep the last one's.
      system: parts.system,
      python: parts.python,
      selected: this.selected,
      processes: this.processes.map(({ info, model }) => ({ ...info, findings: model?.openFindings ?? info.findings })),
      // Whole seconds: the page lets nothing run on here, and a new number is a new message.
      debug: { ...debug, sessions: debug.sessions.map((session) => ({ ...session, ageMs: Math.floor(session.ageMs / 1_000) * 1_000 })) },
    };
  }

  private find(): FeedProcess | undefined {
    return this.processes.find((process) => process.info.id === this.selected);
  }
}
