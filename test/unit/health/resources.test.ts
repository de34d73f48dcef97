/** Findings about sessions, loops, tasks nobody looks after, and what the runtime itself reports. */
import assert from 'node:assert/strict';
import { loopRows } from '../../../src/health/views/loops';
import { LockKind, Op, Outcome, Program, spot, Wait } from '../support/program';

describe('unclosed-session', () => {
  function open(p: Program, task: number, kind = 'aiohttp.ClientSession'): number {
    const session = p.address();
    p.row(Op.SessionOpen, session, task, p.string(kind), p.stack('client.py:14 handler'));
    return session;
  }

  it('dropped while open', () => {
    const p = new Program();
    const session = open(p, p.task('handler'));
    p.row(Op.SessionLost, session).after(200);
    assert.deepEqual(p.codes(), ['unclosed-session']);
    assert.equal(spot(p.finding('unclosed-session').location), 'client.py:14');
    assert.match(p.finding('unclosed-session').message, /aiohttp\.ClientSession opened by "handler".*dropped/);
  });

  it('never closed by a program that ended; a killed one is not blamed', () => {
    const p = new Program();
    open(p, p.task('main'), 'httpx.AsyncClient');
    p.after(200).bye();
    assert.deepEqual(p.codes(), ['unclosed-session']);
    assert.match(p.finding('unclosed-session').advice, /aclose\(\)/);
    const q = new Program();
    open(q, q.task('main'));
    q.after(200).killed();
    assert.deepEqual(q.codes('error', 'warning', 'info'), []);
  });

  it('outliving its creator is only noted, and forgotten when it is closed', () => {
    const p = new Program();
    const startup = p.task('startup');
    const session = open(p, startup);
    p.end(startup).after(1_500);
    assert.deepEqual(p.codes(), []);
    assert.deepEqual(p.codes('info'), ['unclosed-session']);
    p.row(Op.SessionClose, session).after(200).bye();
    assert.equal(p.finding('unclosed-session').resolved, true);
  });

  it('a pool that is used up by nobody', () => {
    const p = new Program({ thresholds: { lockWaitMs: 500 } });
    const session = open(p, p.task('main'), 'asyncpg.Pool');
    p.row(Op.SessionPool, session, 5, 5, 2).after(400);
    assert.deepEqual(p.codes(), []);
    p.after(400);
    assert.deepEqual(p.codes(), ['unclosed-session']);
    assert.match(p.finding('unclosed-session').message, /5 of 5, 2 waiting/);
  });

  it('keeps success rate and mean duration', () => {
    const p = new Program();
    const main = p.task('main');
    const session = open(p, main);
    for (const ok of [1, 1, 1, 2]) p.row(Op.SessionOp, session, main, 0).row(Op.SessionOp, session, main, ok, 10e6);
    p.row(Op.SessionClose, session).send();
    const row = p.model.window('sessions', { includeEnded: true, offset: 0, limit: 10 }).rows[0];
    assert.ok(row !== undefined && 'successRate' in row);
    assert.deepEqual([row.operations, row.failures, row.successRate, row.meanMs, row.open], [4, 1, 0.75, 10, false]);
  });
});

describe('blocked-loop', () => {
  it('is seen while it lasts, and grows', () => {
    const p = new Program({ hello: { python: '3.8.18' } });
    const loop = p.address();
    const task = p.task('handler', { at: 'app.py:22 main' });
    const stack = p.stack(['app.py:13 read_file', 'app.py:18 handler']);
    p.row(Op.LoopNew, loop, 77, p.string('asyncio')).after(100);
    p.row(Op.LoopBlock, loop, task, 50e6, stack).after(50);
    assert.deepEqual(p.codes(), [], 'below the threshold');
    p.row(Op.LoopBlock, loop, task, 150e6, stack).after(100);
    assert.match(p.finding('blocked-loop').message, /blocked for 150 ms by task "handler"/);
    assert.ok(p.model.overview().loops[0]?.blocked);
    p.row(Op.LoopBlockEnd, loop, task, 400e6, stack).after(100);
    const finding = p.finding('blocked-loop');
    assert.match(finding.message, /blocked for 400 ms/);
    assert.equal(finding.count, 1);
    assert.equal(spot(finding.location), 'app.py:13');
    assert.match(finding.advice, /run_in_executor/);
    assert.equal(p.model.overview().loops[0]?.slowCallbacks, 1);
    p.row(Op.LoopBlockEnd, loop, task, 300e6, stack).after(100);
    assert.equal(p.finding('blocked-loop').count, 2);
  });

  it('a collection that the interpreter began by itself accuses nobody; what is left of a longer block does', () => {
    const p = new Program();
    const loop = p.address();
    const task = p.task('handler', { at: 'app.py:22 main' });
    p.row(Op.LoopNew, loop, 77, p.string('asyncio')).after(100);
    p.row(Op.LoopCollected, loop, 0, 120e6).row(Op.LoopBlock, loop, task, 125e6, p.stack('app.py:13 parse'));
    p.row(Op.LoopCollected, loop, 0, 140e6).row(Op.LoopBlockEnd, loop, task, 150e6, p.stack('app.py:13 parse')).after(200);
    assert.deepEqual([p.codes(), p.codes('info')], [[], ['blocked-loop']]);
    assert.match(p.finding('blocked-loop').message, /blocked for 150 ms .*140 ms of it by the garbage collector/);
    assert.match(p.finding('blocked-loop').advice, /gc\.freeze/);
    p.row(Op.LoopBlockEnd, loop, task, 150e6, p.stack('app.py:90 other')).after(200);
    assert.deepEqual(p.codes(), ['blocked-loop'], 'the next block has its own share');
    p.row(Op.LoopCollected, loop, 0, 50e6).row(Op.LoopBlockEnd, loop, task, 400e6, p.stack('app.py:95 third')).after(200);
    assert.equal(p.codes().length, 2);
  });

  it('standing in the debugger is not blocking; a busy turn is only noted', () => {
    const p = new Program();
    const loop = p.address();
    p.row(Op.LoopNew, loop, 77, p.string('asyncio'));
    p.row(
      Op.LoopBlockEnd,
      loop,
      0,
      60e9,
      p.stack(['/usr/lib/python3/threading.py:3 wait', '/x/pydevd.py:9 do_wait_suspend', 'app.py:3 main']),
    );
    p.row(Op.LoopSlowTurn, loop, 500, 200e6).after(200);
    assert.deepEqual(p.codes(), []);
    assert.deepEqual(p.codes('info'), ['blocked-loop']);
    p.row(Op.LoopSlowTurn, loop, 5_000, 2e9).after(200);
    assert.deepEqual(p.codes(), ['blocked-loop']);
  });

  it('a loop that does not let its turns be counted has a lag, and its slow turns accuse nobody', () => {
    const p = new Program();
    const loop = p.address();
    p.row(Op.LoopNew, loop, 77, p.string('uvloop')).row(Op.LoopStat, loop, -1, 40e6, -1).after(200);
    const [row] = loopRows(p.model.loops, 200e6);
    assert.deepEqual([row!.lagMs, row!.turnsPerSecond, row!.readyLength], [40, undefined, undefined]);
    p.row(Op.LoopSlowTurn, loop, 0, 3e9).after(200);
    assert.deepEqual([p.codes(), p.codes('info')], [[], ['blocked-loop']]);
    assert.match(p.finding('blocked-loop').message, /had to wait 3.0 s for its turn/);
  });
});

describe('orphaned-task', () => {
  it('collected while pending', () => {
    const p = new Program({ hello: { python: '3.10.1' } });
    const task = p.task('reply', { at: 'app.py:16 handler' });
    p.end(task, Outcome.Dropped).after(200);
    assert.deepEqual(p.codes(), ['orphaned-task']);
    assert.equal(spot(p.finding('orphaned-task').location), 'app.py:16');
    assert.match(p.finding('orphaned-task').advice, /done_callback/);
  });

  it('a background task whose creator is done is only noted; an awaited one not at all', () => {
    const p = new Program();
    const handler = p.task('handler');
    const background = p.task('background', { by: handler, at: 'app.py:16 handler' });
    p.end(handler).after(1_500);
    assert.deepEqual(p.codes(), []);
    assert.deepEqual(p.codes('info'), ['orphaned-task']);
    p.end(background);
    const q = new Program();
    const main = q.task('main');
    const starter = q.task('starter', { by: main });
    const awaited = q.task('awaited', { by: starter, at: 'app.py:16 starter' });
    q.waits(main, Wait.Task, { on: awaited }).end(starter).after(1_500);
    assert.deepEqual(q.codes('error', 'warning', 'info'), []);
  });
});

describe('what the runtime reports', () => {
  it('exception-never-retrieved shows where the task was started and where it failed', () => {
    const p = new Program();
    const task = p.task('refresh', { at: 'app.py:17 handler' });
    p.end(task, Outcome.Failed, 'ValueError: no such table', 'app.py:13 refresh');
    p.note({
      kind: 'exception-never-retrieved',
      task,
      taskName: 'refresh',
      exception: 'ValueError: no such table\nmore',
      stack: p.stack('app.py:13 refresh'),
      creation: p.stack('app.py:17 handler'),
    }).after(100);
    const finding = p.finding('exception-never-retrieved');
    assert.deepEqual([finding.location, finding.related[0]].map(spot), ['app.py:17', 'app.py:13']);
    assert.match(finding.message, /"refresh".*ValueError: no such table and nobody/);
  });

  describe('a failed task that is still referred to', () => {
    const failed = (p: Program) => {
      const task = p.task('worker', { at: 'app.py:17 start' });
      p.end(task, Outcome.Failed, 'ValueError: no such table', 'app.py:13 worker');
      return task;
    };
    const unseen = (p: Program, task: number) =>
      p.note({
        kind: 'exception-unseen',
        task,
        taskName: 'worker',
        exception: 'ValueError: no such table',
        stack: p.stack('app.py:13 worker'),
        ageMs: 10_000,
      });
    const lost = (p: Program, task: number) =>
      p.note({
        kind: 'exception-never-retrieved',
        task,
        taskName: 'worker',
        exception: 'ValueError: no such table',
        stack: 0,
        creation: 0,
      });

    it('is a warning until somebody looks', () => {
      const p = new Program();
      const task = failed(p);
      unseen(p, task).after(100);
      const finding = p.finding('exception-never-retrieved');
      assert.deepEqual([finding.location, finding.related[0]].map(spot), ['app.py:17', 'app.py:13']);
      assert.equal(finding.severity, 'warning');
      assert.match(finding.message, /"worker", created at .*, failed with ValueError: no such table, and 10 s later nobody/);
      assert.match(finding.advice, /task\.exception\(\)/);
      unseen(p, task).after(100);
      assert.equal(p.finding('exception-never-retrieved').count, 1, 'told again to a new listener');
      p.note({ kind: 'exception-seen', task }).after(100);
      assert.equal(p.finding('exception-never-retrieved').resolved, true);
    });

    it('is an error once it is lost, and that stays', () => {
      const p = new Program();
      const task = failed(p);
      unseen(p, task).after(100);
      lost(p, task).note({ kind: 'exception-seen', task }).after(100);
      const finding = p.finding('exception-never-retrieved');
      assert.deepEqual([finding.severity, finding.resolved, finding.count], ['error', false, 1]);
      assert.match(finding.message, /and nobody looked at it\.$/);
    });

    it('of several from one place, all must be looked at', () => {
      const p = new Program();
      const tasks = [failed(p), failed(p)];
      for (const task of tasks) unseen(p, task);
      p.note({ kind: 'exception-seen', task: tasks[0]! }).after(100);
      assert.deepEqual([p.finding('exception-never-retrieved').count, p.finding('exception-never-retrieved').resolved], [2, false]);
      p.note({ kind: 'exception-seen', task: tasks[1]! }).after(100);
      assert.equal(p.finding('exception-never-retrieved').resolved, true);
    });

    it('looked at does not undo one that was lost at the same place', () => {
      const p = new Program();
      const tasks = [failed(p), failed(p)];
      lost(p, tasks[0]!).after(100);
      unseen(p, tasks[1]!).note({ kind: 'exception-seen', task: tasks[1]! }).after(100);
      assert.deepEqual(
        [p.finding('exception-never-retrieved').severity, p.finding('exception-never-retrieved').resolved],
        ['error', false],
      );
    });
  });

  it('an exception in the loop’s handler without a task joins what went wrong just before', () => {
    const p = new Program();
    const [a, b] = [p.task('a'), p.task('b')];
    const scope = p.enter(a, { at: 'app.py:8 pages' });
    p.exit(scope, b, { flags: 1, at: 'app.py:8 pages' });
    p.note({
      kind: 'loop-exception',
      message: 'an error occurred during closing',
      exception: 'RuntimeError: x',
      task: 0,
      stack: p.stack(['/v/site-packages/anyio/x.py:1 f', 'app.py:9 pages']),
    });
    p.after(100);
    assert.equal(p.finding('exception-never-retrieved').incident, p.finding('cross-task-exit').id);
  });

  it('what reaches the loop’s handler blames no task that merely ran then', () => {
    const p = new Program();
    const task = p.task('main', { at: 'app.py:3 start' });
    p.note({ kind: 'loop-exception', message: 'Unclosed thing', exception: '', task, stack: 0 }).after(100);
    const told = p.finding('exception-never-retrieved');
    assert.equal(told.severity, 'warning');
    assert.match(told.message, /^Unclosed thing \(while task "main" ran\)\.$/);
    const q = new Program();
    q.note({
      kind: 'loop-exception',
      message: 'Exception in callback tick()',
      exception: 'KeyError: 1',
      task: 0,
      stack: q.stack('app.py:9 tick'),
    });
    q.after(100);
    const failed = q.finding('exception-never-retrieved');
    assert.equal(failed.severity, 'error');
    assert.equal(failed.message, 'Exception in callback tick(): KeyError: 1 at tick (app.py:9).');
    assert.match(failed.advice, /catch it there/);
  });

  it('never-awaited and wrong-loop', () => {
    const p = new Program({ hello: { python: '3.9.1' } });
    const [one, two] = [p.address(), p.address()];
    p.row(Op.LoopNew, one, 11, p.string('asyncio')).row(Op.LoopNew, two, 22, p.string('asyncio'));
    const task = p.task('borrow');
    const lock = p.lock(LockKind.Lock, { at: 'app.py:2 <module>' });
    p.note({ kind: 'never-awaited', coroutine: 'main.<locals>.save', stack: p.stack('app.py:16 handler') });
    p.note({
      kind: 'wrong-loop',
      object: lock,
      what: 'Lock',
      task,
      loop: two,
      expectedLoop: one,
      stack: p.stack('app.py:14 borrow'),
    }).after(100);
    assert.deepEqual(p.codes(), ['never-awaited', 'wrong-loop']);
    assert.match(p.finding('never-awaited').message, /"save"/);
    const wrong = p.finding('wrong-loop');
    assert.match(
      wrong.message,
      /belongs to the asyncio loop 1 of thread 11 but is used by task "borrow" in the asyncio loop 2 of thread 22/,
    );
    assert.equal(spot(wrong.location), 'app.py:14');
    assert.match(wrong.advice, /Python 3\.9\.1 it is bound to a loop when it is made/);
  });
});
