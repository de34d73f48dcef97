import assert from 'node:assert/strict';
import { defaultState, forProcess, restoreState, toggled } from '../../../webview/data/pageState';

describe('panel: what the page remembers', () => {
  it('survives a round trip through the editor', () => {
    const state = defaultState();
    state.tab = 'locks';
    state.process = 'session-1';
    state.lists.tasks = { filter: 'fetch', includeEnded: true, sort: { key: 'waitMs', descending: true }, scroll: 880, selected: 41 };
    state.collapsed.tasks = [1, 5];
    state.expanded = [3];
    state.details = false;
    state.split = 0.5;
    assert.deepEqual(restoreState(JSON.parse(JSON.stringify(state))), state);
  });

  it('falls back to the default for whatever is not usable', () => {
    for (const stored of [undefined, null, 'x', [], { tab: 'cats', lists: 5, collapsed: [], split: 9, details: 'yes' }]) {
      assert.deepEqual(restoreState(stored), defaultState());
    }
    const state = restoreState({
      tab: 'tasks',
      lists: { tasks: { filter: 3, scroll: -1, sort: { key: 1 }, selected: 'x' } },
      expanded: ['a', 2],
    });
    assert.equal(state.tab, 'tasks');
    assert.deepEqual(state.lists.tasks, defaultState().lists.tasks);
    assert.deepEqual(state.expanded, [2]);
  });

  it('keeps the way of looking but no row ids when the process changes', () => {
    const state = restoreState({
      tab: 'tasks',
      process: 'a',
      collapsed: { tasks: [1], scopes: [] },
      expanded: [2],
      lists: { tasks: { filter: 'x', scroll: 50, selected: 3 } },
    });
    assert.equal(forProcess(state, 'a'), state);
    const other = forProcess(state, 'b');
    assert.equal(other.lists.tasks.filter, 'x');
    assert.equal(other.lists.tasks.selected, undefined);
    assert.equal(other.lists.tasks.scroll, 0);
    assert.deepEqual(other.collapsed, { tasks: [], scopes: [] });
    assert.deepEqual(other.expanded, []);
    assert.equal(other.process, 'b');
  });

  it('flips ids and stays bounded', () => {
    assert.deepEqual(toggled([1, 2], 2), [1]);
    assert.deepEqual(toggled([1], 2), [1, 2]);
    assert.deepEqual(toggled([1, 2], 2, true), [1, 2]);
    let ids: number[] = [];
    for (let i = 0; i < 3000; i++) ids = toggled(ids, i, true);
    assert.equal(ids.length, 2000);
    assert.equal(ids[ids.length - 1], 2999);
  });
});
