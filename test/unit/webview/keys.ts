import assert from 'node:assert/strict';
import { parentIndex, type TreePosition, treeKey } from '../../../webview/data/keys';

/** A tree as depths; the focus is on `index`. */
function at(depths: number[], index: number, more: Partial<TreePosition> = {}): TreePosition {
  return {
    index,
    total: depths.length,
    page: 3,
    depth: depths[index] ?? 0,
    expandable: (depths[index + 1] ?? 0) > (depths[index] ?? 0),
    expanded: true,
    depthAt: (i) => depths[i],
    ...more,
  };
}

describe('panel: keyboard of a tree', () => {
  const depths = [0, 1, 2, 2, 1, 0];

  it('moves row by row and stops at the ends', () => {
    assert.deepEqual(treeKey('ArrowDown', at(depths, 0)), { to: 1 });
    assert.deepEqual(treeKey('ArrowDown', at(depths, 5)), { to: 5 });
    assert.deepEqual(treeKey('ArrowUp', at(depths, 0)), { to: 0 });
    assert.deepEqual(treeKey('ArrowDown', at(depths, -1)), { to: 0 });
    assert.deepEqual(treeKey('ArrowUp', at(depths, -1)), { to: 5 });
    assert.deepEqual(treeKey('PageDown', at(depths, 1)), { to: 3 });
    assert.deepEqual(treeKey('PageUp', at(depths, 1)), { to: 0 });
    assert.deepEqual(treeKey('Home', at(depths, 3)), { to: 0 });
    assert.deepEqual(treeKey('End', at(depths, 3)), { to: 5 });
  });

  it('right opens, then goes in; left closes, then goes to the parent', () => {
    assert.deepEqual(treeKey('ArrowRight', at(depths, 1, { expanded: false })), { do: 'expand' });
    assert.deepEqual(treeKey('ArrowRight', at(depths, 1)), { to: 2 });
    assert.equal(treeKey('ArrowRight', at(depths, 3)), undefined);
    assert.deepEqual(treeKey('ArrowLeft', at(depths, 1)), { do: 'collapse' });
    assert.deepEqual(treeKey('ArrowLeft', at(depths, 3)), { to: 1 });
    assert.deepEqual(treeKey('ArrowLeft', at(depths, 4)), { to: 0 });
    assert.equal(treeKey('ArrowLeft', at(depths, 5)), undefined);
  });

  it('opens, shows details and menus, and leaves other keys alone', () => {
    assert.deepEqual(treeKey('Enter', at(depths, 2)), { do: 'open' });
    assert.deepEqual(treeKey(' ', at(depths, 2)), { do: 'details' });
    assert.deepEqual(treeKey('F10', at(depths, 2), true), { do: 'menu' });
    assert.equal(treeKey('F10', at(depths, 2)), undefined);
    assert.deepEqual(treeKey('ContextMenu', at(depths, 2)), { do: 'menu' });
    assert.equal(treeKey('a', at(depths, 2)), undefined);
    assert.equal(treeKey('Enter', at(depths, -1)), undefined);
    assert.equal(treeKey('ArrowDown', at([], -1)), undefined);
  });

  it('stays where it is when the parent is not loaded', () => {
    assert.equal(
      parentIndex(40, 2, (i) => (i >= 38 ? 2 : undefined)),
      40,
    );
  });
});
