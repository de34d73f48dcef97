/**
 * What the page knows: the host's last word on each visible list, and how the user looks at it. Messages only mark what
 * changed; drawing happens once per animation frame, and so not at all while the page is hidden.
 */
import type { Finding } from '../src/shared/findings';
import type { ListName, ListQuery, Overview, PanelAction, ProcessInfo, ToPanel } from '../src/shared/panel';
import type { LockRow, ScopeRow, SessionRow, TaskRow } from '../src/shared/rows';
import { ListCache } from './data/listCache';
import { emptyOverview, LIST_NAMES, parseToPanel } from './data/messages';
import { forProcess, type ListState, type PageState, restoreState, type TabName, toggled } from './data/pageState';
import { type ActionResult, Host } from './host';

export interface ListRows {
  findings: Finding;
  tasks: TaskRow;
  scopes: ScopeRow;
  locks: LockRow;
  sessions: SessionRow;
}

export type Slice = 'overview' | 'ui' | 'notice' | ListName;

export interface Notice {
  kind: 'info' | 'error';
  text: string;
}

/** A new snapshot is asked for again when none came after this many ms. */
const SNAPSHOT_RETRY_MS = 3_000;
const SAVE_PAUSE_MS = 250;
const NOTICE_MS = 6_000;
/** A row that is to be revealed but not in the answer after this long may be hidden by a filter: look wider. */
const REVEAL_PATIENCE_MS = 350;
const FIRST_WINDOW = { offset: 0, limit: 100 };

const isList = (tab: TabName): tab is ListName => (LIST_NAMES as readonly string[]).includes(tab);

export class PanelStore {
  readonly host = new Host();
  overview: Overview = emptyOverview();
  readonly lists: { [L in ListName]: ListCache<ListRows[L]> } = {
    findings: new ListCache(),
    tasks: new ListCache(),
    scopes: new ListCache(),
    locks: new ListCache(),
    sessions: new ListCache(),
  };
  ui: PageState = restoreState(this.host.state);
  /** False until the first snapshot. */
  connected = false;
  notice: Notice | undefined;
  /** What could not be read of the host's messages; shown until dismissed. */
  problem: string | undefined;
  /** The row that a list should scroll to and select as soon as it is there. */
  revealing: { list: ListName; id: number; tries: number } | undefined;

  private seq = 0;
  private waiting = false;
  private retry: ReturnType<typeof setTimeout> | undefined;
  private saving: ReturnType<typeof setTimeout> | undefined;
  private noticeTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly windows: Partial<Record<ListName, { offset: number; limit: number }>> = {};
  private readonly watchers = new Map<() => void, readonly Slice[]>();
  private readonly dirty = new Set<Slice>();
  private frame = 0;
  private unpainted = 0;

  start(): void {
    window.addEventListener('message', (event) => this.receive(event.data));
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.askSnapshot();
      else this.sleep();
    });
    window.addEventListener('pagehide', () => this.saveNow());
    if (document.visibilityState === 'visible') this.askSnapshot();
  }

  /** Calls back, at most once per frame, after any of the slices changed; returns the way to stop. */
  watch(changed: () => void, slices: readonly Slice[]): () => void {
    this.watchers.set(changed, slices);
    return () => this.watchers.delete(changed);
  }

  // --- what the user does ------------------------------------------------------------------------------------------

  selectTab(tab: TabName): void {
    if (tab === this.ui.tab) return;
    const before = this.ui.tab;
    this.setUi({ tab });
    if (isList(before)) this.host.post({ type: 'view', list: before, query: null });
    this.sendView(tab);
  }

  /** The rows that a list draws, with overscan; only a real change is sent. */
  setWindow(list: ListName, window: { offset: number; limit: number }): void {
    this.windows[list] = window;
    this.sendView(list);
  }

  windowOf(list: ListName): { offset: number; limit: number } | undefined {
    return this.windows[list];
  }

  setListState(list: ListName, patch: Partial<ListState>): void {
    const before = this.ui.lists[list];
    const after = { ...before, ...patch };
    this.setUi({ lists: { ...this.ui.lists, [list]: after } });
    if (list === 'tasks' && after.selected !== before.selected) this.sendView(list);
    const filtered = after.filter !== before.filter || after.includeEnded !== before.includeEnded;
    if (filtered || after.sort !== before.sort) {
      this.windows[list] = { offset: 0, limit: this.windows[list]?.limit ?? FIRST_WINDOW.limit };
      after.scroll = 0;
      this.sendView(list);
    }
  }

  /** Scroll positions only matter after a reload: remembered, but nothing is drawn again for them. */
  rememberScroll(list: ListName, scroll: number): void {
    this.ui.lists[list].scroll = scroll;
    this.saveSoon();
  }

  toggleCollapsed(list: 'tasks' | 'scopes', id: number, collapsed?: boolean): void {
    this.setUi({ collapsed: { ...this.ui.collapsed, [list]: toggled(this.ui.collapsed[list], id, collapsed) } });
    this.sendView(list);
  }

  toggleExpanded(finding: number): void {
    this.setUi({ expanded: toggled(this.ui.expanded, finding) });
  }

  setDetails(details: boolean): void {
    this.setUi({ details });
    if (this.ui.tab === 'tasks') this.sendView('tasks');
  }

  setSplit(split: number): void {
    this.setUi({ split: Math.min(0.75, Math.max(0.15, split)) });
  }

  /** Shows a row of another list: switches the tab, scrolls there, selects. */
  reveal(list: ListName, id: number): void {
    this.revealing = { list, id, tries: 0 };
    this.setUi({ tab: list, details: true });
    this.setListState(list, { selected: id });
    const known = this.lists[list].indexOf(id) >= 0;
    if (!known || list !== this.ui.tab) this.sendView(list);
    setTimeout(() => this.revealWider(id), REVEAL_PATIENCE_MS);
    this.mark(list);
  }

  async act(action: PanelAction, done?: string): Promise<ActionResult> {
    const result = await this.host.act(action);
    const text = result.message ?? (result.ok ? done : 'That did not work; the log says more.');
    if (text) this.say(result.ok ? 'info' : 'error', text);
    return result;
  }

  say(kind: Notice['kind'], text: string): void {
    this.notice = { kind, text };
    clearTimeout(this.noticeTimer);
    this.noticeTimer = setTimeout(() => this.dismissNotice(), kind === 'error' ? 2 * NOTICE_MS : NOTICE_MS);
    this.mark('notice');
  }

  dismissNotice(): void {
    this.notice = undefined;
    this.mark('notice');
  }

  dismissProblem(): void {
    this.problem = undefined;
    this.mark('notice');
  }

  /** Something of the page itself failed: the host's log gets it, the page goes on. */
  fail(where: string, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.host.error(`${where}: ${text}`, error instanceof Error ? error.stack : undefined);
  }

  // --- what is asked most --------------------------------------------------------------------------------------------

  get process(): ProcessInfo | undefined {
    const { processes, selected } = this.overview;
    return processes.find((process) => process.id === selected) ?? processes[0];
  }

  /** `ms` as sent with `row`, run on to now; stands still once the program does. */
  live<L extends ListName>(list: L, row: ListRows[L], ms: number): number {
    return ms + this.lists[list].since(row, this.overview.nowMs);
  }

  // --- messages --------------------------------------------------------------------------------------------------------

  private receive(data: unknown): void {
    // Other scripts of the editor's frame post messages as well; ours always name a type.
    if (typeof data === 'object' && data !== null && !('type' in data)) return;
    const { message, problems } = parseToPanel(data);
    if (problems.length > 0) {
      this.problem = problems.join('; ');
      this.host.error(`Unreadable message from the editor: ${this.problem}`);
      this.mark('notice');
    }
    if (!message) return;
    try {
      this.take(message);
    } catch (error) {
      this.fail('applying a message', error);
      this.askSnapshot();
    }
  }

  private take(message: ToPanel): void {
    switch (message.type) {
      case 'snapshot': {
        this.waiting = false;
        clearTimeout(this.retry);
        const first = !this.connected;
        this.connected = true;
        this.seq = message.seq;
        this.setOverview(message.overview);
        for (const name of LIST_NAMES) {
          const window = message.lists[name];
          if (window) this.lists[name].replace(window as never, this.overview.nowMs);
          if (window) this.mark(name);
        }
        this.mark('overview');
        this.painted(message.seq);
        // The first picture does not wait for the next frame to begin: what it draws is ready when that comes.
        if (first) this.notify();
        break;
      }
      case 'delta':
        if (this.waiting) return;
        if (message.seq !== this.seq + 1) return this.askSnapshot();
        this.seq = message.seq;
        if (message.overview) this.setOverview({ ...this.overview, ...message.overview });
        for (const name of LIST_NAMES) {
          const delta = message.lists?.[name];
          if (!delta) continue;
          if (!this.lists[name].apply(delta, this.overview.nowMs)) return this.askSnapshot();
          this.mark(name);
        }
        this.painted(message.seq);
        break;
      case 'reveal':
        this.reveal(message.list, message.id);
        break;
      case 'result':
        this.host.settle(message.request, message);
        break;
    }
  }

  private setOverview(overview: Overview): void {
    const before = this.overview;
    this.overview = overview;
    this.mark('overview');
    if (overview.selected === before.selected && this.ui.process === overview.selected) return;
    const ui = forProcess(this.ui, overview.selected);
    if (ui === this.ui) return;
    const first = this.ui.process === undefined;
    this.setUi(ui);
    if (first) return;
    for (const name of LIST_NAMES) {
      this.lists[name].clear();
      delete this.windows[name];
      this.mark(name);
    }
    this.sendView(this.ui.tab);
  }

  /** Asks for everything that is visible, whole; what comes before it is ignored. */
  private askSnapshot(): void {
    this.waiting = true;
    clearTimeout(this.retry);
    const { tab } = this.ui;
    this.host.post({ type: 'ready', views: isList(tab) ? { [tab]: this.query(tab) } : {} });
    this.retry = setTimeout(() => {
      if (document.visibilityState === 'visible') this.askSnapshot();
    }, SNAPSHOT_RETRY_MS);
  }

  private sleep(): void {
    this.saveNow();
    clearTimeout(this.retry);
    const { tab } = this.ui;
    if (isList(tab)) this.host.post({ type: 'view', list: tab, query: null });
    this.waiting = true;
  }

  private sendView(list: TabName): void {
    if (!isList(list) || list !== this.ui.tab || document.visibilityState !== 'visible') return;
    this.host.post({ type: 'view', list, query: this.query(list) });
  }

  private query(list: ListName): ListQuery {
    const { filter, includeEnded, sort, selected } = this.ui.lists[list];
    const query: ListQuery = { ...(this.windows[list] ?? FIRST_WINDOW) };
    if (filter) query.filter = filter;
    if (includeEnded) query.includeEnded = true;
    if (sort) query.sort = sort;
    if (list === 'tasks' && selected !== undefined && this.ui.details) query.selected = selected;
    if (list === 'tasks' || list === 'scopes') {
      const collapsed = this.ui.collapsed[list];
      if (collapsed.length > 0) query.collapsed = collapsed;
    }
    if (this.revealing?.list === list) query.around = this.revealing.id;
    return query;
  }

  private revealWider(id: number): void {
    const revealing = this.revealing;
    if (revealing?.id !== id) return;
    const { list } = revealing;
    if (this.lists[list].indexOf(id) >= 0) return;
    if (++revealing.tries > 1) {
      this.revealing = undefined;
      this.say('info', 'That row is no longer kept.');
      return;
    }
    if (list === 'tasks' || list === 'scopes') this.setUi({ collapsed: { ...this.ui.collapsed, [list]: [] } });
    this.setListState(list, { filter: '', includeEnded: true, sort: undefined });
    this.sendView(list);
    setTimeout(() => this.revealWider(id), 2 * REVEAL_PATIENCE_MS);
  }

  // --- drawing ---------------------------------------------------------------------------------------------------------

  mark(slice: Slice): void {
    this.dirty.add(slice);
    if (this.frame === 0) this.frame = requestAnimationFrame(() => this.draw());
  }

  /** Tells the watchers what has changed since the last time. */
  private notify(): void {
    const dirty = new Set(this.dirty);
    this.dirty.clear();
    for (const [changed, slices] of this.watchers) {
      if (slices.some((slice) => dirty.has(slice))) changed();
    }
  }

  private draw(): void {
    this.frame = 0;
    this.notify();
    if (this.unpainted === 0) return;
    const seq = this.unpainted;
    this.unpainted = 0;
    // The elements draw in microtasks of this frame; a task after it runs when the frame is on its way to the screen.
    setTimeout(() => this.host.post({ type: 'painted', seq }), 0);
  }

  private painted(seq: number): void {
    this.unpainted = seq;
    this.mark('overview');
  }

  private setUi(patch: Partial<PageState>): void {
    this.ui = { ...this.ui, ...patch };
    this.mark('ui');
    this.saveSoon();
  }

  private saveSoon(): void {
    this.saving ??= setTimeout(() => this.saveNow(), SAVE_PAUSE_MS);
  }

  private saveNow(): void {
    clearTimeout(this.saving);
    this.saving = undefined;
    this.host.state = this.ui;
  }
}
