import assert from 'node:assert/strict';
import { emptyOverview, parseToPanel } from '../../../webview/data/messages';

describe('panel: reading what the host sends', () => {
  const garbage: unknown[] = [
    undefined,
    null,
    0,
    'snapshot',
    [],
    {},
    { type: 7 },
    { type: 'snapshot' },
    { type: 'snapshot', seq: 'one' },
    { type: 'delta' },
    { type: 'reveal', list: 'nothing', id: 1 },
    { type: 'reveal', list: 'tasks', id: '1' },
    { type: 'result' },
    { type: '__proto__' },
  ];
  for (const [i, data] of garbage.entries()) {
    it(`refuses garbage ${i} (${JSON.stringify(data)}) and says why`, () => {
      const { message, problems } = parseToPanel(data);
      assert.equal(message, undefined);
      assert.equal(problems.length, 1);
    });
  }

  it('never throws and always gives whole rows, whatever is in them', () => {
    const odd: unknown[] = [
      null,
      undefined,
      0,
      -1,
      Number.NaN,
      'x',
      true,
      [],
      [null],
      {},
      { id: 1 },
      { id: 2, name: 5, holders: 'x', related: [1] },
    ];
    for (const value of odd) {
      for (const list of ['findings', 'tasks', 'scopes', 'locks', 'sessions'] as const) {
        for (const message of [
          { type: 'snapshot', seq: 1, overview: value, lists: { [list]: value } },
          {
            type: 'snapshot',
            seq: 1,
            overview: { processes: value, loops: [value], history: value, counts: value, debug: value, libraries: value },
            lists: value,
          },
          { type: 'snapshot', seq: 1, overview: {}, lists: { [list]: { total: value, all: value, offset: value, rows: value } } },
          { type: 'delta', seq: 2, lists: { [list]: { total: 1, all: 1, offset: 0, order: value, changed: [value] } } },
        ]) {
          const { message: read } = parseToPanel(message);
          assert.ok(read, JSON.stringify(message));
        }
      }
    }
  });

  it('leaves malformed rows out, keeps the good ones, and counts', () => {
    const { message, problems } = parseToPanel({
      type: 'snapshot',
      seq: 1,
      overview: {},
      lists: { tasks: { total: 3, all: 3, offset: 0, rows: [{ id: 1, name: 'main' }, null, { name: 'no id' }] }, cats: {} },
    });
    assert.ok(message?.type === 'snapshot');
    const row = message.lists.tasks?.rows[0];
    assert.ok(row && 'kind' in row && row.kind === 'task');
    assert.equal(message.lists.tasks?.rows.length, 1);
    assert.deepEqual(row.awaitedBy, []);
    assert.equal(row.state, 'waiting');
    assert.equal(problems.length, 2);
    assert.match(problems.join('\n'), /2 malformed rows/);
    assert.match(problems.join('\n'), /unknown list "cats"/);
  });

  it('keeps what a change does not name out of it', () => {
    const { message } = parseToPanel({ type: 'delta', seq: 4, overview: { nowMs: 12, dropped: 3 } });
    assert.ok(message?.type === 'delta');
    assert.deepEqual(message.overview, { nowMs: 12, dropped: 3 });
  });

  it('takes well-formed rows over unchanged', () => {
    const lock = {
      kind: 'lock',
      id: 7,
      type: 'asyncio.Lock',
      name: 'accounts',
      createdAt: { file: '/app/bank.py', line: 3, function: 'main' },
      holders: [{ id: 1, name: 'a', heldMs: 5, at: { file: '/app/bank.py', line: 9, function: 'f' } }],
      waiters: [{ id: 2, name: 'b', waitMs: 4, at: undefined, op: 'acquire' }],
      capacity: undefined,
      value: undefined,
      acquisitions: 3,
      contended: 1,
      longestHoldMs: 5,
      longestWaitMs: 4,
      findings: [9],
    };
    const { message, problems } = parseToPanel({
      type: 'snapshot',
      seq: 1,
      overview: emptyOverview(),
      lists: { locks: { total: 1, all: 1, offset: 0, rows: [lock] } },
    });
    assert.deepEqual(problems, []);
    assert.ok(message?.type === 'snapshot');
    assert.deepEqual(message.lists.locks?.rows[0], lock);
  });
});
