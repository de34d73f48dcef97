import assert from 'node:assert/strict';
import type { TaskRow } from '../../../src/shared/rows';
import { ListCache } from '../../../webview/data/listCache';

const task = (id: number, name = `task ${id}`): TaskRow => ({
  kind: 'task',
  id,
  address: id * 16,
  name,
  coroutine: 'main',
  state: 'waiting',
  depth: 0,
  children: 0,
  awaitedBy: [],
  ageMs: 10,
  steps: 1,
  busyMs: 0,
  longestStepMs: 0,
  waits: 0,
  readyMs: 0,
  longestReadyMs: 0,
  cancelRequested: false,
  findings: [],
});

describe('panel: the window of a list', () => {
  const ids = (cache: ListCache<TaskRow>) => cache.rows.map((row) => row.id);
  let cache: ListCache<TaskRow>;

  beforeEach(() => {
    cache = new ListCache<TaskRow>();
    cache.replace({ total: 5, all: 9, offset: 1, rows: [task(11), task(12), task(13)] }, 100);
  });

  it('answers by index in the list, not in the window', () => {
    assert.equal(cache.at(0), undefined);
    assert.equal(cache.at(1)?.id, 11);
    assert.equal(cache.at(3)?.id, 13);
    assert.equal(cache.at(4), undefined);
    assert.equal(cache.indexOf(12), 2);
    assert.equal(cache.indexOf(99), -1);
  });

  it('replaces changed rows and keeps the others as the same objects', () => {
    const kept = cache.at(1);
    assert.equal(cache.apply({ total: 5, all: 9, offset: 1, changed: [task(12, 'renamed')] }, 200), true);
    assert.deepEqual(ids(cache), [11, 12, 13]);
    assert.equal(cache.byId(12)?.name, 'renamed');
    assert.equal(cache.at(1), kept);
  });

  it('follows a new order with rows that come and go', () => {
    assert.equal(cache.apply({ total: 6, all: 10, offset: 0, order: [10, 12, 11], changed: [task(10)] }, 200), true);
    assert.deepEqual(ids(cache), [10, 12, 11]);
    assert.equal(cache.total, 6);
    assert.equal(cache.all, 10);
    assert.equal(cache.at(0)?.id, 10);
  });

  it('refuses a change that names a row it never got, and stays as it was', () => {
    assert.equal(cache.apply({ total: 6, all: 10, offset: 0, order: [11, 77], changed: [] }, 200), false);
    assert.deepEqual(ids(cache), [11, 12, 13]);
    assert.equal(cache.total, 5);
  });

  it('takes a whole window as its first change, but not a partial one', () => {
    const fresh = new ListCache<TaskRow>();
    assert.equal(fresh.apply({ total: 1, all: 1, offset: 0, changed: [task(1)] }, 0), false);
    assert.equal(fresh.loaded, false);
    assert.equal(fresh.apply({ total: 1, all: 1, offset: 0, order: [1], changed: [task(1)] }, 0), true);
    assert.equal(fresh.loaded, true);
    assert.equal(fresh.at(0)?.id, 1);
  });

  it('knows how long ago each row was true', () => {
    const [first, second] = cache.rows;
    assert.equal(cache.since(first!, 150), 50);
    cache.apply({ total: 5, all: 9, offset: 1, changed: [task(12)] }, 150);
    assert.equal(cache.since(cache.byId(12)!, 160), 10);
    assert.equal(cache.since(first!, 160), 60);
    assert.equal(cache.since(second!, 50), 0, 'a clock that went back');
  });

  it('is empty but not loaded after clear', () => {
    cache.clear();
    assert.equal(cache.loaded, false);
    assert.equal(cache.at(1), undefined);
  });
});
