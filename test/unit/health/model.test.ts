/** What the model keeps: identity over reused addresses, restatements, bounds, and that nothing malformed hurts it. */
import assert from 'node:assert/strict';
import { HealthModel, replay } from '../../../src/health';
import { Definitions } from '../../../src/health/core/definitions';
import { Environment } from '../../../src/health/core/environment';
import { newPathRules } from '../../../src/health/core/places';
import { decodeBatch, MAX_STACK, MAX_TEXT } from '../../../src/shared/batch';
import type { TaskRow } from '../../../src/shared/rows';
import { ROW_WIDTH } from '../../../src/shared/wire';
import { ExitFlag, LockKind, LockOp, Op, Outcome, PID, Program, ScopeKind, Wait } from '../support/program';

const rows = (p: Program, includeEnded = false) => p.model.window('tasks', { includeEnded, offset: 0, limit: 1_000 }).rows as TaskRow[];

describe('identity', () => {
  it('an address that is used again is another task, scope, session', () => {
    const p = new Program();
    const address = p.address();
    const first = p.task('first', { address });
    const scope = p.enter(first);
    p.exit(scope, first).end(first).after(100);
    p.task('second', { address });
    p.enter(address, { address: scope });
    p.after(100);
    assert.deepEqual(
      rows(p).map((row) => row.name),
      ['second'],
    );
    assert.deepEqual(
      rows(p, true).map((row) => [row.name, row.state]),
      [
        ['first', 'done'],
        ['second', 'ready'],
      ],
    );
    assert.equal(new Set(rows(p, true).map((row) => row.id)).size, 2);
    p.exit(scope, address).end(address).after(500).bye();
    assert.deepEqual(p.codes('error', 'warning', 'info'), []);
  });

  it('a task whose end was lost makes room without becoming a finding', () => {
    const p = new Program();
    const address = p.address();
    p.task('first', { address });
    p.task('second', { address });
    p.after(300);
    assert.deepEqual(
      rows(p).map((row) => row.name),
      ['second'],
    );
    assert.deepEqual(p.codes('error', 'warning', 'info'), []);
  });

  it('a restatement keeps what is named, with its age, and drops the rest', () => {
    const p = new Program();
    const [kept, gone] = [p.task('kept'), p.task('gone')];
    const [scope, lost] = [p.enter(kept, { at: 'app.py:4 f' }), p.enter(gone)];
    const lock = p.lock(LockKind.Lock, { name: 'db' });
    p.holds(kept, lock, 'app.py:9 f').after(5_000);
    p.row(Op.SyncBegin, 0);
    p.task('kept', { address: kept });
    p.enter(kept, { address: scope });
    p.row(Op.LockNew, lock, 0, LockKind.Lock).holds(kept, lock);
    const attached = p.task('was there before');
    p.row(Op.SyncEnd, 0).after(1_000);
    assert.deepEqual(
      rows(p).map((row) => row.name),
      ['kept', 'was there before'],
    );
    assert.ok(rows(p)[0]!.ageMs > 5_900, 'the age is that of the first sight');
    assert.ok(attached);
    assert.equal(p.model.scopes.at(lost)?.active, false);
    const scopes = p.model.window('scopes', { offset: 0, limit: 10 });
    assert.equal(scopes.total, 1);
    const locks = p.model.window('locks', { offset: 0, limit: 10 }).rows[0];
    assert.ok(locks && 'holders' in locks && locks.holders.length === 1 && locks.holders[0]!.heldMs > 5_900);
    assert.deepEqual(p.codes('error', 'warning', 'info'), []);
  });

  it('a new life of the probe starts from nothing', () => {
    const p = new Program();
    p.enter(p.task('before'));
    p.after(300);
    const q = new Program();
    const name = q.task('after');
    q.after(100);
    for (const message of q.messages) p.model.ingest(decodeBatch(message));
    assert.ok(name);
    assert.deepEqual(
      rows(p).map((row) => row.name),
      ['after'],
    );
    assert.equal(p.model.scopes.active, 0);
  });
});

describe('tasks', function () {
  this.timeout(20_000);
  it('a tree by creator, and by group once it is known', () => {
    const p = new Program();
    const main = p.task('main');
    const other = p.task('other', { by: main });
    const group = p.enter(main, { kind: ScopeKind.AnyioTaskGroup });
    const child = p.task('child', { by: other });
    p.row(Op.TaskGroup, child, group);
    p.task('grandchild', { by: child });
    p.waits(main, Wait.Group, { on: group, at: 'app.py:8 main' }).after(100);
    assert.deepEqual(
      rows(p).map((row) => [row.name, row.depth, row.parent?.name]),
      [
        ['main', 0, undefined],
        ['other', 1, 'main'],
        ['child', 1, 'main'],
        ['grandchild', 2, 'child'],
      ],
    );
    assert.equal(rows(p)[0]!.waitsFor, '1 child of its TaskGroup');
    assert.deepEqual(
      rows(p)[2]!.awaitedBy.map((ref) => ref.name),
      ['main'],
    );
  });

  it('says what and where each one waits, by whom it is awaited and who cancelled it', () => {
    const p = new Program();
    const main = p.task('main');
    const worker = p.task('Task-7', {
      by: main,
      coroutine: 'fetch',
      at: ['/usr/lib/python3.12/asyncio/tasks.py:4 create_task', 'app.py:3 main'],
    });
    const lock = p.lock(LockKind.Lock, { name: 'asyncio.Lock', at: 'db.py:41 connect' });
    p.waits(main, Wait.Task, { on: worker, at: 'app.py:5 main' });
    p.acquires(worker, lock, 'db.py:60 query').after(300);
    p.cancel(worker, { by: main, at: 'app.py:7 main' }).send();
    const [first, second] = rows(p);
    assert.equal(first!.waitsFor, 'Task-7 fetch');
    assert.equal(first!.state, 'waiting');
    assert.equal(second!.waitsFor, 'asyncio.Lock db.py:41');
    assert.equal(second!.waitsAt?.line, 60);
    assert.ok(second!.waitMs! >= 299 && second!.waitMs! < 400, `${second!.waitMs}`);
    assert.equal(second!.createdAt?.file, '/home/me/project/app.py', 'the user’s own frame, not the library’s');
    assert.deepEqual(second!.awaitedBy, [{ id: first!.id, name: 'main' }]);
    assert.equal(second!.cancelRequested, true);
    assert.equal(second!.cancelledBy, 'main at app.py:7');
    p.row(Op.TaskCancelReason, worker, 0, p.string('no longer needed')).send();
    assert.equal(rows(p)[1]!.cancelledBy, 'main at app.py:7 “no longer needed”');
  });

  it('a task that a factory of the program made was created where it was asked for', () => {
    const p = new Program();
    const asked = (func: string) => [
      `/usr/lib/python3.11/asyncio/base_events.py:442 ${func}`,
      '/usr/lib/python3.11/asyncio/tasks.py:384 create_task',
    ];
    p.task('made', { at: ['app.py:3 factory', ...asked('BaseEventLoop.create_task'), 'app.py:9 main'] });
    p.task('old', { at: ['app.py:3 factory', ...asked('create_task'), 'app.py:10 main'] });
    // Nobody of the program asked: the factory is the best there is. What an eager task runs itself is not the factory.
    p.task('foreign', { at: ['app.py:3 factory', ...asked('BaseEventLoop.create_task'), '/x/site-packages/lib/a.py:1 start'] });
    p.task('eager', { at: ['app.py:20 child', 'app.py:3 factory', ...asked('BaseEventLoop.create_task'), 'app.py:9 main'] });
    p.send();
    assert.deepEqual(
      rows(p).map((row) => `${row.name} ${row.createdAt?.line}`),
      ['made 9', 'old 10', 'foreign 3', 'eager 20'],
    );
  });

  it('takes a method that a library generated for the library’s', () => {
    const p = new Program();
    const library = '/x/site-packages/anyio/_core/_streams.py:30 __new__';
    p.task('one', { at: ['<string>:4 __init__', library, 'app.py:7 main'] });
    p.task('two', { at: ['<attrs generated init x>:2 __init__', '/x/site-packages/lib/a.py:1 make', 'app.py:8 main'] });
    p.task('three', { at: ['<string>:3 main', library, 'app.py:9 main'] });
    p.task('four', { at: ['<string>:1 <module>'] });
    p.send();
    assert.deepEqual(
      rows(p).map((row) => `${row.createdAt?.file.split('/').pop()}:${row.createdAt?.line}`),
      ['app.py:7', 'app.py:8', '<string>:3', '<string>:1'],
    );
  });

  it('gives the whole stacks of the row that is looked at, and what its steps cost', () => {
    const p = new Program();
    const main = p.task('main');
    const worker = p.task('worker', { by: main, at: ['app.py:3 start', 'app.py:9 main'] });
    p.waits(worker, Wait.Sleep, { at: ['/usr/lib/python3.12/asyncio/tasks.py:665 sleep', 'app.py:20 nap', 'app.py:30 worker'] });
    p.cancel(worker, { by: main, at: ['app.py:40 stop', 'app.py:41 main'] });
    p.row(Op.TaskSteps, worker, 4, 30e6, 20e6).row(Op.TaskSched, worker, 4, 8e6, 5e6).send();
    const [, plain] = rows(p);
    assert.equal(plain!.stacks, undefined);
    assert.equal(plain!.awaitDepth, 3);
    assert.deepEqual([plain!.steps, plain!.busyMs, plain!.longestStepMs], [4, 30, 20]);
    assert.deepEqual([plain!.waits, plain!.readyMs, plain!.longestReadyMs], [4, 8, 5]);
    const window = p.model.window('tasks', { offset: 0, limit: 10, selected: plain!.id });
    const [other, close] = window.rows as TaskRow[];
    assert.equal(other!.stacks, undefined);
    const functions = (stack: { function: string }[] | undefined) => stack?.map((frame) => frame.function);
    assert.deepEqual(functions(close!.stacks?.awaits), ['sleep', 'nap', 'worker']);
    assert.deepEqual(functions(close!.stacks?.created), ['start', 'main']);
    assert.deepEqual(functions(close!.stacks?.cancelled), ['stop', 'main']);
    const sorted = p.model.window('tasks', { offset: 0, limit: 10, selected: plain!.id, sort: { key: 'name', descending: false } });
    assert.deepEqual(functions((sorted.rows as TaskRow[])[1]!.stacks?.created), ['start', 'main']);
  });

  it('counts outcomes and keeps a bounded history', () => {
    const p = new Program({ retention: { tasks: 10 } });
    const main = p.task('main');
    for (let n = 0; n < 100; n++) p.end(p.task(`t${n}`, { by: main }), n % 4, n % 4 === 2 ? 'ValueError: no' : undefined);
    p.send();
    assert.deepEqual(p.model.tasks.outcomes, { done: 25, cancelled: 25, failed: 25, dropped: 25 });
    assert.equal(rows(p, true).length, 11);
    assert.equal(p.model.window('tasks', { includeEnded: true, offset: 0, limit: 1 }).all, 11);
    const failed = p.model.tasks.history().find((task) => task.outcome === Outcome.Failed);
    assert.equal(failed?.exception, 'ValueError: no');
  });

  it('a task that each one starts and leaves stays flat in memory and depth', () => {
    const p = new Program({ retention: { tasks: 50 } });
    let last = p.task('t');
    for (let n = 0; n < 5_000; n++) {
      const next = p.task('t', { by: last });
      p.end(last);
      last = next;
      if (n % 500 === 0) p.send();
    }
    p.send();
    assert.equal(rows(p).length, 1);
    assert.equal(rows(p)[0]!.depth, 0);
    assert.equal(p.model.tasks.tree.all, 51);
  });
});

describe('scope tracker', () => {
  it('keeps statistics, recent events, violations and a report', () => {
    const p = new Program();
    const [a, b] = [p.task('a'), p.task('b')];
    const fine = p.enter(a, { at: 'app.py:3 a' });
    p.exit(fine, a, { at: 'app.py:5 a' });
    const crossed = p.enter(a, { at: 'app.py:7 a' });
    p.cancelScope(crossed, { by: b, reason: 1, at: 'app.py:20 b' }).exit(crossed, b, { flags: ExitFlag.CrossTask, at: 'app.py:21 b' });
    p.enter(b, { at: 'app.py:30 b' });
    p.end(b).after(100);
    const { scopes } = p.model;
    const statistics = scopes.statistics();
    assert.deepEqual(
      [statistics.entered, statistics.exited, statistics.active, statistics.cancelled, statistics.timed_out, statistics.cross_task_exits],
      [3, 2, 1, 1, 1, 1],
    );
    assert.deepEqual(
      scopes.recentEvents().map((event) => [event.what, event.task, event.violation]),
      [
        ['enter', 'a', undefined],
        ['exit', 'a', undefined],
        ['enter', 'a', undefined],
        ['cancel', 'b', undefined],
        ['exit', 'b', 'cross-task-exit'],
        ['enter', 'b', undefined],
      ],
    );
    assert.deepEqual(
      scopes.checkCrossTaskViolations().map((violation) => violation.kind),
      ['cross-task-exit', 'host-ended'],
    );
    assert.match(scopes.report(), /3 entered, 2 left, 1 open.*\n.*cross-task-exit: CancelScope entered by a at a \(app\.py:7\), left by b/);
  });
});

describe('bounds', () => {
  it('findings of very many places stay within the limit, and what is forgotten is counted', () => {
    const p = new Program({ retention: { findings: 20 } });
    for (let n = 0; n < 60; n++) p.note({ kind: 'never-awaited', coroutine: `c${n}`, stack: p.stack(`app.py:${n + 1} main`) });
    p.after(100);
    assert.equal(p.model.findings().length, 20);
    assert.equal(p.model.store.forgotten, 40);
  });

  it('living things beyond the limit are counted, not followed', () => {
    const p = new Program({ retention: { live: 100 } });
    const tasks = Array.from({ length: 150 }, (_, n) => p.task(`t${n}`));
    for (let n = 0; n < 150; n++) {
      p.enter(tasks[n]!);
      p.lockWait(tasks[n]!, p.address(), LockOp.Acquire);
    }
    p.after(100);
    assert.equal(p.model.tasks.alive, 100);
    assert.equal(p.model.scopes.active, 100);
    assert.equal(p.model.resources.locks.size, 100);
    assert.ok(p.model.dropped >= 150);
    for (const task of tasks) p.end(task);
    p.after(100);
    assert.equal(p.model.tasks.alive, 0);
  });

  it('definitions do not grow without end', () => {
    const defs = new Definitions(newPathRules(), 100);
    const batch = (from: number) =>
      decodeBatch({ pid: 1, seq: 1, t: 0, defs: { strings: Array.from({ length: 40 }, (_, n) => [from + n, `text ${from + n}`]) } });
    defs.add(batch(1));
    for (let round = 1; round < 20; round++) {
      assert.equal(defs.string(1), 'text 1', 'what is in use stays');
      defs.add(batch(round * 40 + 1));
      assert.ok(defs.sizes.strings <= 100);
    }
    assert.equal(defs.string(50), '', 'what was never used again is gone');
  });
});

describe('locks', () => {
  it("locks that are waited for come first, and the user's own before those of libraries", () => {
    const p = new Program({});
    const [holder, waiter] = [p.task('holder'), p.task('waiter')];
    const library = '/venv/lib/python3.12/site-packages/pool/core.py:7 acquire';
    const pool = p.lock(LockKind.Lock, { name: 'pool', at: library });
    const busyPool = p.lock(LockKind.Lock, { name: 'busy pool', at: library });
    p.lock(LockKind.Lock, { name: 'idle', at: 'app.py:5 main' });
    const wanted = p.lock(LockKind.Lock, { name: 'wanted', at: 'app.py:6 main' });
    for (const lock of [pool, busyPool, wanted]) p.holds(holder, lock);
    p.lockWait(waiter, busyPool, LockOp.Acquire);
    p.lockWait(p.task('second'), wanted, LockOp.Acquire);
    p.after(100);
    const names = p.model.window('locks', { offset: 0, limit: 10 }).rows.map((row) => 'name' in row && row.name);
    assert.deepEqual(names, ['wanted', 'busy pool', 'idle', 'pool']);
  });
});

describe('the program', () => {
  it('is named by its file, or by the package that is run', () => {
    const env = new Environment();
    const named = (...argv: string[]) => {
      env.argv = argv;
      return env.program;
    };
    assert.equal(named('/srv/shop/worker.py', '--once'), 'worker.py');
    assert.equal(named('C:\\shop\\worker.py'), 'worker.py');
    assert.equal(named('/srv/shop/queue/__main__.py'), 'queue');
    assert.equal(named('-c', 'from multiprocessing.spawn import spawn_main'), undefined);
    assert.equal(named(), undefined);
    assert.equal(named(''), undefined);
  });
});

describe('malformed input', () => {
  it('is left out and counted', () => {
    const rows = BigInt64Array.from([Op.TaskNew, 1, 64, 0, 0, 0, -1, 1, 2, 3, 4, 5, Op.TaskNew, -1, 128, 0, 0, 0, 9], BigInt);
    const batch = decodeBatch({
      type: 'batch',
      pid: PID,
      seq: 1,
      t: 5,
      rows: Buffer.from(rows.buffer).toString('base64'),
      defs: {
        strings: [[1, 'a'], [0, 'zero'], ['2', 'b'], 7],
        frames: [[1, 1, 1, 'x']],
        stacks: [
          [1, 1, -1],
          [2, 1, 0],
        ],
      },
      notes: [null, { kind: 3 }, { kind: 'message', level: 'info', text: 'x' }],
      sys: { cpu: 'much' },
      hello: { wire: 'one' },
      dropped: 5,
    });
    assert.equal(batch.rows.length, ROW_WIDTH, 'the one good row');
    assert.equal(batch.strings.length, 1);
    assert.equal(batch.stacks.length, 1);
    assert.equal(batch.notes.length, 3);
    assert.deepEqual([batch.sys, batch.hello, batch.dropped], [undefined, undefined, undefined]);
    // Rows: an impossible op, an impossible time and the odd tail. Definitions: 3 strings, a frame, a stack. 2 notes, sys, hello, dropped.
    assert.equal(batch.malformed, 3 + 5 + 2 + 3);
    const model = new HealthModel();
    model.ingest(batch);
    assert.equal(model.tasks.alive, 1);
    assert.equal(model.dropped, 13);
  });

  it('nothing at all is no batch, and huge things are cut', () => {
    for (const message of [undefined, null, 5, 'batch', [], {}, { pid: -1 }, { rows: 7, defs: [], notes: {} }]) {
      assert.ok(decodeBatch(message).malformed > 0);
      new HealthModel().ingest(decodeBatch(message));
    }
    const batch = decodeBatch({
      pid: 1,
      seq: 1,
      t: 0,
      defs: { strings: [[1, 'x'.repeat(1e6)]], stacks: [[1, ...new Array(5_000).fill(1)]] },
    });
    assert.equal(batch.strings[0]![1].length, MAX_TEXT + 1);
    assert.ok(batch.stacks[0]!.length <= MAX_STACK + 2);
  });

  it('random rows never throw and leave no ghosts', function () {
    this.timeout(20_000);
    let seed = 12345;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return seed % below;
    };
    for (let round = 0; round < 15; round++) {
      const model = new HealthModel({ retention: { tasks: 50, scopes: 50, sessions: 50, findings: 50, live: 200 } });
      let t = 0;
      for (let batch = 0; batch < 40; batch++) {
        const numbers: number[] = [];
        for (let row = 0; row < 200; row++) {
          t += random(20) * 1e6;
          numbers.push(random(130), random(50) === 0 ? random(1e9) : t, random(30) * 64, random(30) * 64, random(20) - 2, random(6));
        }
        model.ingest(
          decodeBatch({
            type: 'batch',
            pid: PID,
            seq: batch + 1,
            t,
            rows: Buffer.from(BigInt64Array.from(numbers, (number) => BigInt(Math.trunc(number))).buffer).toString('base64'),
            defs: { strings: [[batch + 1, `s${batch}`]], frames: [[1, 1, 1, 5]], stacks: [[(batch % 5) + 1, 1]] },
            notes: [
              { kind: 'wrong-loop' },
              { kind: 'histogram', loop: 64, bounds: 'x', counts: [1] },
              { kind: 'exception-never-retrieved', task: 'x' },
              { kind: '?' },
            ],
          }),
        );
        if (batch % 4 !== 0) continue;
        for (const list of ['tasks', 'scopes', 'locks', 'sessions', 'findings'] as const) {
          const window = model.window(list, {
            includeEnded: true,
            offset: 0,
            limit: 500,
            sort: random(2) === 0 ? { key: 'ageMs', descending: true } : undefined,
          });
          assert.ok(window.rows.length <= window.total && window.total <= window.all, list);
          assert.equal(new Set(window.rows.map((row) => row.id)).size, window.rows.length, `${list}: no row twice`);
        }
      }
      // Everything ends: nothing stays.
      const ends: number[] = [];
      for (let n = 0; n < 30; n++) {
        ends.push(Op.TaskEnd, t, n * 64, 0, 0, 0, Op.ScopeExit, t, n * 64, 0, 0, 0, Op.LockGone, t, n * 64, 0, 0, 0);
        ends.push(Op.SessionClose, t, n * 64, 0, 0, 0, Op.LoopEnd, t, n * 64, 0, 0, 0);
      }
      model.ingest(
        decodeBatch({
          type: 'batch',
          pid: PID,
          seq: 99,
          t: t + 1e9,
          rows: Buffer.from(BigInt64Array.from(ends, (number) => BigInt(Math.trunc(number))).buffer).toString('base64'),
        }),
      );
      assert.deepEqual(
        (['tasks', 'scopes', 'locks', 'sessions'] as const).map((list) => model.window(list, { offset: 0, limit: 10 }).total),
        [0, 0, 0, 0],
      );
      assert.equal(model.resources.locks.waitersNow, 0);
      const tree = model.window('tasks', { includeEnded: true, offset: 0, limit: 1_000 });
      assert.equal(tree.rows.length, tree.total, 'the tree’s counts are true');
      JSON.stringify(model.report({ program: 'fuzz' }));
      model.end();
    }
  });
});

describe('recordings', () => {
  it('replay gives the same findings, and a cut-off last line is only said', () => {
    const p = new Program();
    const [a, b] = [p.task('a'), p.task('b')];
    p.exit(p.enter(a, { at: 'app.py:3 a' }), b, { flags: ExitFlag.CrossTask, at: 'app.py:9 b' });
    p.after(500).bye();
    const text = p.recording();
    const again = replay(text);
    assert.deepEqual(again.models.get(PID)?.findings(), p.model.findings());
    assert.deepEqual([again.batches, again.badLines, again.truncated], [p.messages.length, 0, false]);
    const cut = replay(`{"type":"reply","id":1}\nnot json\n${text.slice(0, -20)}`);
    assert.deepEqual([cut.batches, cut.badLines, cut.truncated], [p.messages.length - 1, 1, true]);
    assert.deepEqual(
      cut.models
        .get(PID)
        ?.findings()
        .map((finding) => finding.code),
      ['cross-task-exit'],
    );
  });
});
