import assert from 'node:assert/strict';
import type { LockRow } from '../../../src/shared/rows';
import { waitChain, waitCycles } from '../../../webview/data/waitGraph';

/** `lock(1, 'A', holders, waiters)`; tasks by number. */
function lock(id: number, name: string, holders: number[], waiters: number[]): LockRow {
  return {
    kind: 'lock',
    id,
    type: 'asyncio.Lock',
    name,
    holders: holders.map((task) => ({ id: task, name: `t${task}`, heldMs: 1 })),
    waiters: waiters.map((task) => ({ id: task, name: `t${task}`, waitMs: 1, op: 'acquire' })),
    acquisitions: 1,
    contended: 0,
    longestHoldMs: 0,
    longestWaitMs: 0,
    findings: [],
  };
}
const shape = (cycles: ReturnType<typeof waitCycles>) => cycles.map((steps) => steps.map((s) => `${s.task.name}-${s.lock.name}`).join(' '));

describe('panel: who waits for whom', () => {
  it('sees two tasks that wait for each other, once', () => {
    assert.deepEqual(shape(waitCycles([lock(1, 'A', [1], [2]), lock(2, 'B', [2], [1])])), ['t2-A t1-B']);
  });

  it('sees a task that waits for what it holds itself', () => {
    assert.deepEqual(shape(waitCycles([lock(1, 'A', [1], [1])])), ['t1-A']);
  });

  it('sees a circle that a tail leads into, without the tail', () => {
    const locks = [lock(1, 'A', [1], [9]), lock(2, 'B', [2], [1]), lock(3, 'C', [3], [2]), lock(4, 'D', [1], [3])];
    assert.deepEqual(shape(waitCycles(locks)), ['t1-B t2-C t3-D']);
  });

  it('sees no circle where there is none', () => {
    assert.deepEqual(waitCycles([]), []);
    assert.deepEqual(waitCycles([lock(1, 'A', [1], [2, 3]), lock(2, 'B', [2], [3]), lock(3, 'C', [], [1])]), []);
    // Two ways to the same holder are not a circle.
    assert.deepEqual(waitCycles([lock(1, 'A', [1, 2], [3]), lock(2, 'B', [4], [1, 2])]), []);
  });

  it('copes with a chain as long as a program has tasks', () => {
    const locks = Array.from({ length: 50_000 }, (_, i) => lock(i, `L${i}`, [i], [i + 1]));
    assert.deepEqual(waitCycles(locks), []);
    assert.equal(waitCycles([...locks, lock(60_000, 'Z', [50_000], [0])]).length, 1);
  });

  it('follows the chain from a waiter to the one that must move first', () => {
    const locks = [lock(1, 'A', [1], [2]), lock(2, 'B', [2], [3])];
    const { steps, end, cyclic } = waitChain(locks, 3);
    assert.deepEqual(
      steps.map((s) => s.lock.name),
      ['B', 'A'],
    );
    assert.equal(end?.name, 't1');
    assert.equal(cyclic, false);
    assert.equal(waitChain([lock(1, 'A', [1], [2]), lock(2, 'B', [2], [1])], 1).cyclic, true);
    assert.deepEqual(waitChain([], 1).steps, []);
  });
});
