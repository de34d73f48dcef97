/** Lists in windows, and the feed: what the page has after any number of deltas is what a fresh snapshot would say. */
import assert from 'node:assert/strict';
import { type FeedProcess, PanelFeed } from '../../../src/health';
import type { Finding } from '../../../src/shared/findings';
import type { ListName, ListQuery, Overview, ProcessInfo, ToPanel } from '../../../src/shared/panel';
import type { Row, TaskRow } from '../../../src/shared/rows';
import { ListCache } from '../../../webview/data/listCache';
import { ExitFlag, LockKind, Op, Program, Wait } from '../support/program';

const names = (p: Program, query: Partial<ListQuery> = {}) =>
  (p.model.window('tasks', { offset: 0, limit: 1_000, ...query }).rows as TaskRow[]).map((row) => row.name);

describe('task lists', () => {
  function family(): { p: Program; ids: Record<string, number>; ended: number } {
    const p = new Program();
    const main = p.task('main');
    const server = p.task('server', { by: main });
    for (let n = 0; n < 3; n++) p.task(`request-${n}`, { by: server, coroutine: 'handle', at: 'web.py:12 handle' });
    const gone = p.task('accept', { by: main });
    p.task('conn', { by: gone });
    p.end(gone);
    p.task('ticker', { by: main });
    p.after(100);
    const ids = Object.fromEntries(
      (p.model.window('tasks', { includeEnded: true, offset: 0, limit: 100 }).rows as TaskRow[]).map((row) => [row.name, row.id]),
    );
    return { p, ids, ended: gone };
  }

  it('in tree order, ended ones left out or in', () => {
    const { p } = family();
    assert.deepEqual(names(p), ['main', 'server', 'request-0', 'request-1', 'request-2', 'conn', 'ticker']);
    assert.deepEqual(names(p, { includeEnded: true }), [
      'main',
      'server',
      'request-0',
      'request-1',
      'request-2',
      'accept',
      'conn',
      'ticker',
    ]);
    const depths = (p.model.window('tasks', { includeEnded: true, offset: 0, limit: 100 }).rows as TaskRow[]).map((row) => row.depth);
    assert.deepEqual(depths, [0, 1, 2, 2, 2, 1, 2, 1]);
  });

  it('any window, collapsed or not, is a slice of the whole', () => {
    const { p, ids } = family();
    for (const includeEnded of [false, true]) {
      for (const collapsed of [[], [ids.server!], [ids.main!], [ids.server!, ids.accept!], [ids.main!, ids.server!], [999]]) {
        const whole = p.model.window('tasks', { includeEnded, collapsed, offset: 0, limit: 100 });
        assert.equal(whole.total, whole.rows.length, JSON.stringify({ includeEnded, collapsed }));
        for (let offset = 0; offset < whole.total; offset++) {
          const part = p.model.window('tasks', { includeEnded, collapsed, offset, limit: 2 });
          assert.deepEqual(part.rows, whole.rows.slice(offset, offset + 2));
        }
      }
    }
    assert.deepEqual(names(p, { collapsed: [ids.server!] }), ['main', 'server', 'conn', 'ticker']);
  });

  it('filter, sort, and the window around a row', () => {
    const { p, ids } = family();
    assert.deepEqual(names(p, { filter: 'HANDLE request-1' }), ['request-1']);
    assert.deepEqual(names(p, { filter: 'web.py:12' }), ['request-0', 'request-1', 'request-2']);
    assert.deepEqual(names(p, { sort: { key: 'name', descending: true }, limit: 2 }), ['ticker', 'server']);
    const filtered = p.model.window('tasks', { filter: 'request', offset: 0, limit: 1 });
    assert.deepEqual([filtered.total, filtered.all, filtered.rows.length], [3, 7, 1]);
    const around = p.model.window('tasks', { offset: 0, limit: 3, around: ids.conn! });
    assert.ok(around.rows.some((row) => row.id === ids.conn));
    assert.equal(p.model.window('tasks', { offset: 0, limit: 3, around: ids.accept! }).offset, 0, 'one that is not shown moves nothing');
  });

  it('wild queries are answered', () => {
    const { p } = family();
    for (const query of [
      { offset: -5, limit: -1 },
      { offset: 1e9, limit: 1e9 },
      { offset: Number.NaN, limit: 3.7 },
      { offset: 0, limit: 5, sort: { key: '__proto__', descending: false } },
      { offset: 0, limit: 5, sort: { key: 'constructor', descending: true }, filter: '(((' },
    ]) {
      for (const list of ['tasks', 'scopes', 'locks', 'sessions', 'findings'] as const) p.model.window(list, query);
    }
  });
});

/** The page's own copy, patched by the page's own code. */
class Page {
  readonly lists: Record<ListName, ListCache> = {
    findings: new ListCache<Row | Finding>(),
    tasks: new ListCache<Row | Finding>(),
    scopes: new ListCache<Row | Finding>(),
    locks: new ListCache<Row | Finding>(),
    sessions: new ListCache<Row | Finding>(),
  };
  overview: Partial<Overview> = {};
  seq = 0;
  snapshots = 0;
  deltas = 0;
  bytes = 0;
  results: ToPanel[] = [];

  take = (message: ToPanel) => {
    const text = JSON.stringify(message);
    this.bytes += text.length;
    const received = JSON.parse(text) as ToPanel;
    if (received.type === 'snapshot') {
      this.snapshots++;
      this.seq = received.seq;
      this.overview = received.overview;
      for (const list of Object.values(this.lists)) list.clear();
      for (const [name, window] of Object.entries(received.lists)) this.lists[name as ListName].replace(window, received.overview.nowMs);
    } else if (received.type === 'delta') {
      this.deltas++;
      assert.equal(received.seq, this.seq + 1, 'no gap');
      this.seq = received.seq;
      Object.assign(this.overview, received.overview);
      for (const [name, delta] of Object.entries(received.lists ?? {})) {
        assert.ok(this.lists[name as ListName].apply(delta, this.overview.nowMs!), `${name} can be patched`);
      }
    } else this.results.push(received);
  };

  /** Rows with the durations as the page would show them now. */
  rows(name: ListName): unknown[] {
    const cache = this.lists[name];
    return cache.rows.map((row) => aged(row, cache.since(row, this.overview.nowMs!)));
  }
}

/** Durations that run on, moved by `ms` and rounded to what the feed promises. */
function aged(row: Row | Finding, ms: number): unknown {
  const copy = structuredClone(row) as unknown as Record<string, unknown>;
  const running =
    !('state' in row && ['done', 'failed', 'cancelled', 'dropped'].includes(row.state as string)) &&
    !('active' in row && !row.active) &&
    !('open' in row && !row.open);
  const move = (value: unknown) => Math.round(((value as number) + ms) / 50);
  if (!running) return copy;
  for (const key of ['ageMs', 'waitMs']) if (key in copy) copy[key] = move(copy[key]);
  if ('deadlineInMs' in copy) copy.deadlineInMs = Math.round(((copy.deadlineInMs as number) - ms) / 50);
  for (const key of ['holders', 'waiters']) {
    for (const entry of (copy[key] as Record<string, unknown>[] | undefined) ?? []) {
      for (const field of ['heldMs', 'waitMs']) if (field in entry) entry[field] = move(entry[field]);
    }
  }
  return copy;
}

const info = (id: string, state: ProcessInfo['state'] = 'running'): ProcessInfo => ({ id, label: id, state, probe: 'live', findings: 0 });
const VIEWS: Partial<Record<ListName, ListQuery>> = {
  findings: { offset: 0, limit: 20 },
  tasks: { offset: 0, limit: 20 },
  scopes: { offset: 0, limit: 20 },
  locks: { offset: 0, limit: 20 },
  sessions: { offset: 0, limit: 20 },
};

function connect(p: Program, page = new Page()): { feed: PanelFeed; page: Page; process: FeedProcess } {
  const feed = new PanelFeed(page.take);
  const process: FeedProcess = { info: info('one'), model: p.model };
  feed.setProcesses([process]);
  feed.handle({ type: 'ready', views: VIEWS });
  return { feed, page, process };
}

function assertSame(page: Page, p: Program, views = VIEWS): void {
  const fresh = connect(p).page;
  const other = new PanelFeed(fresh.take);
  other.setProcesses([{ info: info('one'), model: p.model }]);
  other.handle({ type: 'ready', views });
  for (const name of Object.keys(views) as ListName[]) {
    assert.deepEqual(page.rows(name), fresh.rows(name), name);
    for (const key of ['total', 'all', 'offset'] as const) assert.equal(page.lists[name][key], fresh.lists[name][key], `${name}.${key}`);
  }
  const { nowMs: _a, history: _b, ...mine } = page.overview;
  const { nowMs: _c, history: _d, ...theirs } = fresh.overview;
  assert.deepEqual(mine, theirs);
}

describe('PanelFeed', function () {
  // Minutes of a program are told; a busy machine may need its time.
  this.timeout(20_000);
  it('deltas add up to what a snapshot says, over a busy random program', () => {
    const p = new Program();
    const { feed, page } = connect(p);
    let seed = 7;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % below;
    };
    const main = p.task('main');
    const tasks = [main];
    const open: [number, number][] = [];
    const locks = [p.lock(LockKind.Lock, { name: 'a' }), p.lock(LockKind.Lock, { name: 'b' })];
    let query: ListQuery = { offset: 0, limit: 20 };
    for (let step = 0; step < 400; step++) {
      const task = tasks[random(tasks.length)]!;
      const what = random(9);
      if (what < 3) tasks.push(p.task(`t${step}`, { by: task }));
      else if (what === 3 && tasks.length > 3) {
        const [gone] = tasks.splice(1 + random(tasks.length - 1), 1);
        for (let at = open.length - 1; at >= 0; at--) if (open[at]![1] === gone) p.exit(open.splice(at, 1)[0]![0], gone!);
        p.end(gone!);
      } else if (what === 4)
        p.waits(task, [Wait.Sleep, Wait.Io, Wait.Running, Wait.Ready][random(4)]!, { at: `app.py:${random(50) + 1} f` });
      else if (what === 5) open.push([p.enter(task), task]);
      else if (what === 6 && open.length > 0) {
        const [scope, host] = open.splice(random(open.length), 1)[0]!;
        p.exit(scope, host, { flags: (random(10) === 0 ? ExitFlag.OutOfOrder : 0) as ExitFlag, at: `app.py:${random(5) + 1} f` });
      } else if (what === 7) p.acquires(task, locks[random(2)]!, `app.py:${random(5) + 60} f`);
      else p.row(Op.TaskSteps, task, step, step * 1e5, 1e5);
      if (random(40) === 0) {
        query = { offset: random(10), limit: 10 + random(10), includeEnded: random(2) === 0, ...(random(3) === 0 ? { filter: '1' } : {}) };
        feed.handle({ type: 'view', list: 'tasks', query });
      }
      p.after(random(3) === 0 ? 100 : 30);
      feed.tick();
      feed.handle({ type: 'painted', seq: page.seq });
    }
    feed.tick();
    feed.tick();
    assertSame(page, p, { ...VIEWS, tasks: query });
    assert.equal(page.snapshots, 1);
    assert.ok(page.deltas > 100);
  });

  it('a row that only grows older is not sent again', () => {
    const p = new Program();
    const task = p.task('sleeper');
    p.waits(task, Wait.Sleep, { at: 'app.py:3 main' });
    p.enter(task);
    const { feed, page } = connect(p.after(100));
    feed.tick();
    const before = page.deltas;
    for (let n = 0; n < 100; n++) {
      p.after(100);
      feed.tick();
    }
    assert.ok(page.deltas - before <= 11, `${page.deltas - before} messages in ten quiet seconds`);
    assertSame(page, p);
    const row = page.lists.tasks.rows[0] as TaskRow;
    assert.ok(row.waitMs! + page.lists.tasks.since(row, page.overview.nowMs!) > 9_000, 'the page lets it run on');
  });

  it('hidden costs nothing; shown again is a snapshot; closed lists are not sent', () => {
    const p = new Program();
    const { feed, page } = connect(p);
    feed.setVisible(false);
    const bytes = page.bytes;
    for (let n = 0; n < 20; n++) {
      p.task(`t${n}`);
      p.after(100);
      feed.tick();
    }
    assert.equal(page.bytes, bytes);
    feed.setVisible(true);
    feed.tick();
    assert.equal(page.snapshots, 2);
    assertSame(page, p);
    feed.handle({ type: 'view', list: 'tasks', query: null });
    p.task('unseen');
    p.after(100);
    feed.tick();
    feed.tick();
    assert.equal(page.lists.tasks.total, 20);
  });

  it('waits for a page that does not keep up, and tells it the latest when it does', () => {
    const p = new Program();
    const { feed, page } = connect(p);
    feed.handle({ type: 'painted', seq: page.seq });
    for (let n = 0; n < 50; n++) {
      p.task(`t${n}`);
      p.after(100);
      feed.tick();
    }
    assert.ok(page.deltas <= 6, `${page.deltas}`);
    feed.handle({ type: 'painted', seq: page.seq });
    feed.tick();
    assertSame(page, p);
  });

  it('several processes: selection, its change, and a new run that takes over from an ended one', () => {
    const [p, q] = [new Program(), new Program()];
    p.task('in p');
    q.task('in q');
    p.after(100);
    q.after(100);
    const page = new Page();
    const chosen: string[] = [];
    const feed = new PanelFeed(page.take, { onSelect: (id) => chosen.push(id) });
    feed.handle({ type: 'ready', views: VIEWS });
    assert.equal(page.snapshots, 1, 'a page opened before any session gets an empty snapshot');
    assert.equal(page.overview.processes?.length, 0);
    feed.setProcesses([{ info: info('p'), model: p.model }]);
    feed.tick();
    feed.tick();
    assert.deepEqual(
      page.lists.tasks.rows.map((row) => (row as TaskRow).name),
      ['in p'],
    );
    feed.setProcesses([
      { info: info('p'), model: p.model },
      { info: info('q'), model: q.model },
    ]);
    feed.tick();
    assert.equal(feed.current, 'p', 'a second process does not take the eye away');
    feed.handle({ type: 'action', request: 5, action: { do: 'selectProcess', id: 'q' } });
    feed.tick();
    feed.tick();
    assert.deepEqual(
      page.lists.tasks.rows.map((row) => (row as TaskRow).name),
      ['in q'],
    );
    assert.deepEqual(chosen, ['q']);
    assert.deepEqual(page.results, [{ type: 'result', request: 5, ok: true }]);
    feed.setProcesses([{ info: info('q', 'ended'), model: q.model }]);
    feed.setProcesses([
      { info: info('q', 'ended'), model: q.model },
      { info: info('r'), model: p.model },
    ]);
    feed.tick();
    assert.equal(feed.current, 'r');
    assert.deepEqual(
      page.lists.tasks.rows.map((row) => (row as TaskRow).name),
      ['in p'],
    );
  });

  it('actions go to the owner, answers to the page', () => {
    const page = new Page();
    const actions: unknown[] = [];
    const feed = new PanelFeed(page.take, { onAction: (request, action) => actions.push([request, action]) });
    feed.handle({ type: 'action', request: 1, action: { do: 'cancelTask', task: 64 } });
    feed.result(1, false, 'the task has ended');
    feed.reveal('findings', 3);
    assert.deepEqual(actions, [[1, { do: 'cancelTask', task: 64 }]]);
    assert.deepEqual(page.results, [
      { type: 'result', request: 1, ok: false, message: 'the task has ended' },
      { type: 'reveal', list: 'findings', id: 3 },
    ]);
  });
});
