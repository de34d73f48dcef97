import assert from 'node:assert/strict';
import { readInside } from '../../../src/adapter/tasks/stitch';

describe('what comes with a stop', () => {
  it('is read when it is the probe’s', () => {
    const inside = { task: 7, frames: [1, 2], segments: [{ task: 8, name: 'main', via: 'await', threadId: 3 }] };
    assert.deepEqual(readInside(JSON.stringify({ ...inside, name: 'Task-1' })), inside);
    assert.deepEqual(readInside('{}'), {});
  });

  it('is left alone when it is not', () => {
    for (const text of [undefined, null, 7, {}, '', 'no', 'null', '[', '{"task":1,"frames":3,"segments":[]}', '{"task":1,"frames":[1]}']) {
      assert.equal(readInside(text), undefined, String(text));
    }
  });
});
