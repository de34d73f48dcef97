/** Findings about cancel scopes, timeouts, task groups and generators. */
import assert from 'node:assert/strict';
import { CancelReason, ExitFlag, Op, Outcome, Program, ScopeKind, spot, Wait } from '../support/program';

describe('cross-task-exit', () => {
  it('names both tasks and both places, and stays one incident with what follows', () => {
    const p = new Program({ hello: { libraries: { anyio: '4.14.0' } } });
    const main = p.task('main');
    const opener = p.task('opener', { by: main, at: 'app.py:30 main' });
    const closer = p.task('closer', { by: main, at: 'app.py:31 main' });
    const scope = p.enter(opener, { at: 'conn.py:10 open' });
    p.after(200);
    p.exit(scope, closer, { flags: ExitFlag.CrossTask, at: ['/v/site-packages/anyio/_core.py:5 __exit__', 'conn.py:14 close'] });
    p.end(closer);
    p.note({
      kind: 'exception-never-retrieved',
      task: closer,
      exception: 'RuntimeError: other task',
      stack: p.stack('conn.py:14 close'),
      creation: p.stack('app.py:31 main'),
    });
    p.after(200);

    const finding = p.finding('cross-task-exit');
    assert.equal(finding.severity, 'error');
    assert.equal(spot(finding.location), 'conn.py:14');
    assert.equal(finding.location?.function, 'close');
    assert.equal(spot(finding.related[0]), 'conn.py:10');
    assert.equal(finding.related[0]?.task?.name, 'opener');
    assert.equal(finding.task?.name, 'closer');
    assert.match(finding.message, /"opener".*conn\.py:10.*"closer".*conn\.py:14/);
    assert.deepEqual(p.codes(), ['cross-task-exit', 'exception-never-retrieved']);
    assert.equal(p.finding('exception-never-retrieved').incident, finding.id);
    assert.deepEqual(
      p.model.findings().map((each) => each.code),
      ['cross-task-exit', 'exception-never-retrieved'],
      'the root stands first',
    );
  });

  it('is there as soon as the exit begins, and the end of the exit adds nothing', () => {
    const p = new Program();
    const a = p.task('a');
    const b = p.task('b');
    const scope = p.enter(a, { at: 'conn.py:10 open' });
    p.leaving(scope, b, ExitFlag.CrossTask, 'conn.py:14 close').after(5_000);
    const during = p.finding('cross-task-exit');
    assert.match(during.message, /"a".*conn\.py:10.*"b".*conn\.py:14/);
    assert.equal(p.model.overview().counts.scopes, 1, 'still open');
    p.exit(scope, b, { flags: ExitFlag.CrossTask | ExitFlag.WithException, at: 'conn.py:14 close' }).after(100);
    assert.deepEqual(p.codes(), ['cross-task-exit']);
    assert.equal(p.finding('cross-task-exit').count, 1);
    assert.equal(p.model.scopes.crossTask, 1);
    assert.equal(p.model.scopes.checkCrossTaskViolations().length, 1);
  });

  it('is found by identity alone, where the library raises nothing and sets no flag', () => {
    const p = new Program();
    const a = p.task('a');
    const b = p.task('b');
    const limit = p.enter(a, { kind: ScopeKind.AsyncioTimeout, at: 'app.py:5 a' });
    p.exit(limit, b, { at: 'app.py:9 b' }).after(100);
    assert.deepEqual(p.codes(), ['cross-task-exit']);
    assert.match(p.finding('cross-task-exit').advice, /Python 3\.12\.1 raises nothing/);
  });

  it('counts repetitions at one place as one finding', () => {
    const p = new Program();
    for (let round = 0; round < 5; round++) {
      const a = p.task(`Task-${round * 2}`, { coroutine: 'open' });
      const b = p.task(`Task-${round * 2 + 1}`, { coroutine: 'close' });
      const scope = p.enter(a, { at: 'conn.py:10 open' });
      p.exit(scope, b, { flags: ExitFlag.CrossTask, at: 'conn.py:14 close' });
      p.end(a).end(b).after(100);
    }
    assert.equal(p.finding('cross-task-exit').count, 5);
  });

  it('says nothing of scopes that are left by the task that entered them', () => {
    const p = new Program();
    const a = p.task('a');
    const outer = p.enter(a);
    const inner = p.enter(a);
    p.exit(inner, a).exit(outer, a, { flags: ExitFlag.CancelledCaught }).end(a).after(1_000).bye();
    assert.deepEqual(p.codes('error', 'warning', 'info'), []);
  });
});

describe('out-of-order-exit', () => {
  it('shows the scope that is still open', () => {
    const p = new Program();
    const task = p.task('main');
    const outer = p.enter(task, { at: 'app.py:5 main' });
    const inner = p.enter(task, { at: 'app.py:6 main' });
    p.exit(outer, task, { flags: ExitFlag.OutOfOrder, at: 'app.py:8 main' });
    p.exit(inner, task, { at: 'app.py:9 main' }).end(task).after(500);
    const finding = p.finding('out-of-order-exit');
    assert.equal(spot(finding.location), 'app.py:8');
    assert.deepEqual(finding.related.map(spot), ['app.py:5', 'app.py:6']);
    assert.deepEqual(p.codes(), ['out-of-order-exit']);
  });
});

describe('leaked-scope and scope-outlives-task', () => {
  it('a root task that ends with a scope open leaks it', () => {
    const p = new Program();
    const main = p.task('main');
    p.enter(main, { at: 'app.py:7 main' });
    p.end(main).after(500);
    assert.deepEqual(p.codes(), ['leaked-scope']);
    assert.equal(spot(p.finding('leaked-scope').location), 'app.py:7');
  });

  it('a helper that enters for somebody else is told apart, with advice for the running Python', () => {
    for (const [python, text] of [
      ['3.11.7', /before Python 3\.12 `wait_for`/],
      ['3.13.0', /`wait_for` runs in the same task since 3\.12/],
    ] as const) {
      const p = new Program({ hello: { python } });
      const main = p.task('main');
      const helper = p.task('helper', { by: main, coroutine: 'Client.__aenter__' });
      p.enter(helper, { at: 'client.py:3 __aenter__' });
      p.end(helper).after(500);
      assert.deepEqual(p.codes(), ['scope-outlives-task']);
      assert.match(p.finding('scope-outlives-task').advice, text);
    }
  });

  it('the later exit by another task belongs to the same incident', () => {
    const p = new Program();
    const main = p.task('main');
    const helper = p.task('helper', { by: main, coroutine: 'Client.__aenter__' });
    const scope = p.enter(helper, { at: 'client.py:3 __aenter__' });
    p.end(helper).after(600);
    p.exit(scope, main, { flags: ExitFlag.CrossTask, at: 'client.py:9 __aexit__' }).after(100);
    const root = p.finding('scope-outlives-task');
    assert.equal(p.finding('cross-task-exit').incident, root.id);
    assert.equal(p.model.findings()[0]?.id, root.id);
  });

  it('waits for the better diagnosis: a generator that is finalised right after its task', () => {
    const p = new Program();
    const reader = p.task('reader');
    const generator = p.address();
    p.row(Op.GenNew, generator, reader, p.string('pages'), p.stack(['app.py:15 reader']));
    const scope = p.enter(reader, { at: 'app.py:8 pages', kind: ScopeKind.AsyncioTimeout });
    p.row(Op.GenYieldInScope, generator, reader, scope, p.stack('app.py:10 pages'));
    p.end(reader).after(100);
    const closer = p.task('', {
      coroutine: 'async_generator_athrow',
      at: '/usr/lib/python3.12/asyncio/base_events.py:5 _asyncgen_finalizer_hook',
    });
    p.row(Op.GenFinal, generator, 0, 1, p.stack('app.py:10 pages'));
    p.exit(scope, closer, { flags: ExitFlag.CrossTask | ExitFlag.ByFinaliser, at: 'app.py:8 pages' });
    p.row(Op.GenEnd, generator).end(closer).after(1_000).bye();
    assert.deepEqual(p.codes(), ['abandoned-generator', 'cross-task-exit', 'yield-in-scope']);
    const root = p.finding('abandoned-generator');
    assert.equal(spot(root.location), 'app.py:10');
    assert.equal(new Set(p.model.findings().map((finding) => finding.incident)).size, 1, 'one incident');
    assert.equal(p.model.findings()[0]?.id, root.id);
    assert.equal(p.finding('cross-task-exit').incident, root.id);
  });

  it('a program that ends with daemon loops running is only noted; a killed one not at all', () => {
    const p = new Program();
    p.enter(p.task('daemon'));
    p.after(200).bye();
    assert.deepEqual(p.codes(), []);
    assert.deepEqual(p.codes('info'), ['leaked-scope']);
    const q = new Program();
    q.enter(q.task('main'));
    q.after(200).killed();
    assert.deepEqual(q.codes('error', 'warning', 'info'), []);
  });
});

describe('generators', () => {
  it('yield-in-scope is a warning, once per place', () => {
    const p = new Program({ hello: { libraries: { anyio: '4.5.0' } } });
    const main = p.task('main');
    const generator = p.address();
    p.row(Op.GenNew, generator, main, p.string('rows'), p.stack(['app.py:14 main']));
    const scope = p.enter(main, { at: 'app.py:4 rows' });
    for (let n = 0; n < 5; n++) p.row(Op.GenYieldInScope, generator, main, scope, p.stack('app.py:6 rows')).after(100);
    p.exit(scope, main).row(Op.GenEnd, generator).end(main).after(500).bye();
    assert.deepEqual(p.codes(), ['yield-in-scope']);
    const finding = p.finding('yield-in-scope');
    assert.equal(finding.severity, 'warning');
    assert.equal(finding.count, 1);
    assert.equal(spot(finding.location), 'app.py:6');
    assert.match(finding.advice, /create_memory_object_stream/);
  });

  it('spares the generators behind context managers and fixtures', () => {
    for (const driver of ['/usr/lib/python3.12/contextlib.py:210 __aenter__', '/v/site-packages/anyio/pytest_plugin.py:88 fixture']) {
      const p = new Program();
      const main = p.task('main');
      const generator = p.address();
      p.row(Op.GenNew, generator, main, p.string('patience'), p.stack([driver, 'app.py:14 main']));
      const scope = p.enter(main);
      p.row(Op.GenYieldInScope, generator, main, scope, p.stack('app.py:6 patience')).after(500);
      assert.deepEqual(p.codes('error', 'warning', 'info'), []);
    }
  });

  it('a dropped generator that holds no scope is nobody’s business', () => {
    const p = new Program();
    const main = p.task('main');
    const generator = p.address();
    p.row(Op.GenNew, generator, main, p.string('numbers'), p.stack('app.py:3 main'));
    p.row(Op.GenFinal, generator, 0, 1, p.stack('app.py:9 numbers')).row(Op.GenEnd, generator).after(500).bye();
    assert.deepEqual(p.codes('error', 'warning', 'info'), []);
  });
});

describe('cancel-spin', () => {
  function spin(deliveriesPerTick: number, ticks: number): Program {
    const p = new Program({ hello: { libraries: { anyio: '4.14.1' } } });
    const main = p.task('main');
    const group = p.enter(main, { kind: ScopeKind.AnyioTaskGroup, at: 'app.py:16 main' });
    const member = p.task('stubborn', { by: main });
    p.row(Op.TaskGroup, member, group).after(100);
    p.cancelScope(group, { by: main, at: 'app.py:19 main' });
    for (let tick = 1; tick <= ticks; tick++) p.row(Op.ScopeDeliveries, group, 0, tick * deliveriesPerTick).after(100);
    return p;
  }

  it('is seen within a second, with the members and the version that helps', () => {
    const p = spin(5_000, 8);
    assert.deepEqual(p.codes(), ['cancel-spin']);
    const finding = p.finding('cancel-spin');
    assert.equal(spot(finding.location), 'app.py:16');
    assert.match(finding.message, /"stubborn"/);
    assert.match(finding.message, /50,0\d\d times a second/);
    assert.match(finding.advice, /upgrade anyio \(4\.14\.1\) to 4\.14\.2/);
    assert.ok(finding.firstSeenMs <= 1_000, `${finding.firstSeenMs}`);
  });

  it('a burst is not a spin, nor are a few deliveries', () => {
    assert.deepEqual(spin(20_000, 1).after(1_000).codes(), []);
    assert.deepEqual(spin(30, 20).codes(), []);
  });

  it('is over when the scope is left', () => {
    const p = spin(5_000, 8);
    const row = p.model.window('scopes', { offset: 0, limit: 10 }).rows[0];
    assert.ok(row && 'deliveries' in row && row.deliveries === 40_000);
    p.after(3_000);
    assert.equal(p.finding('cancel-spin').resolved, true);
  });
});

describe('foreign-cancel', () => {
  function pool(starterIsHost: boolean): Program {
    const p = new Program();
    const main = p.task('main');
    const first = p.task('request-1', { by: main });
    const second = p.task('request-2', { by: main });
    const group = p.enter(first, { kind: ScopeKind.AsyncioTaskGroup, at: 'app.py:22 first' });
    const child = p.task('refresh', { by: starterIsHost ? first : second, at: 'app.py:28 second' });
    p.row(Op.TaskGroup, child, group).after(100);
    p.end(child, Outcome.Failed, 'ValueError: refresh failed', 'app.py:17 refresh');
    p.cancelScope(group, { reason: CancelReason.ChildFailed });
    p.cancel(first, { scope: group }).after(100);
    p.exit(group, first, { flags: ExitFlag.WithException }).end(first, Outcome.Failed, 'ExceptionGroup').end(second).end(main);
    return p.after(1_500);
  }

  it('names who started the child in whose group', () => {
    const p = pool(false);
    assert.deepEqual(p.codes(), ['foreign-cancel']);
    const finding = p.finding('foreign-cancel');
    assert.equal(spot(finding.location), 'app.py:28');
    assert.equal(spot(finding.related[0]), 'app.py:22');
    assert.match(
      finding.message,
      /"refresh", started by "request-2" at second .*TaskGroup of "request-1", failed and cancelled "request-1"/,
    );
  });

  it('a failing child of the one who has the group is an ordinary failure', () => {
    assert.deepEqual(pool(true).codes('error', 'warning', 'info'), []);
  });
});

describe('swallowed-cancellation', () => {
  it('a task that goes on past the grace time', () => {
    const p = new Program({ hello: { python: '3.11.7' } });
    const main = p.task('main');
    const poller = p.task('poller', { by: main, at: 'app.py:20 main' });
    p.waits(poller, Wait.Sleep, { at: 'app.py:12 poll' }).after(100);
    p.cancel(poller, { by: main, at: 'app.py:22 main' });
    p.row(Op.TaskCancelDelivered, poller).row(Op.TaskSteps, poller, 3, 1_000, 500);
    p.waits(poller, Wait.Sleep, { at: 'app.py:12 poll' });
    p.after(900);
    assert.deepEqual(p.codes(), [], 'not before the grace time');
    p.row(Op.TaskSteps, poller, 6, 2_000, 500).after(300);
    assert.deepEqual(p.codes(), ['swallowed-cancellation']);
    const finding = p.finding('swallowed-cancellation');
    assert.equal(spot(finding.location), 'app.py:12');
    assert.equal(finding.task?.name, 'poller');
    assert.deepEqual(
      finding.related.map((place) => [place.label, spot(place), place.task?.name]),
      [
        ['cancelled here', 'app.py:22', 'main'],
        ['task created here', 'app.py:20', 'poller'],
      ],
    );
    assert.match(finding.message, /cancelled by "main"/);
    assert.match(finding.advice, /wait_for/);
  });

  it('re-raising, uncancelling, absorbing by the scope and not yet run are all fine', () => {
    const p = new Program();
    const main = p.task('main');
    const polite = p.task('polite', { by: main });
    const group = p.task('uses-timeout', { by: main });
    const late = p.task('not-run-yet', { by: main });
    const scoped = p.task('scoped', { by: main });
    const limit = p.enter(scoped, { kind: ScopeKind.AsyncioTimeout });
    for (const task of [polite, group, late]) p.cancel(task, { by: main, at: 'app.py:9 main' });
    p.cancelScope(limit, { reason: CancelReason.Deadline }).cancel(scoped, { scope: limit });
    for (const task of [polite, group, scoped]) p.row(Op.TaskCancelDelivered, task).row(Op.TaskSteps, task, 5, 1, 1);
    p.row(Op.TaskUncancel, group, group, 0);
    p.exit(limit, scoped, { flags: ExitFlag.CancelledCaught });
    p.after(500);
    p.end(polite, Outcome.Cancelled);
    for (let n = 0; n < 20; n++)
      p.row(Op.TaskSteps, group, 10 + n, 1, 1)
        .row(Op.TaskSteps, scoped, 10 + n, 1, 1)
        .after(200);
    p.bye();
    assert.deepEqual(p.codes('error', 'warning', 'info'), []);
  });

  it('ending normally instead is only noted', () => {
    const p = new Program();
    const server = p.task('server');
    p.cancel(server, { at: 'app.py:9 main' }).row(Op.TaskCancelDelivered, server).after(200);
    p.end(server).after(200);
    assert.deepEqual(p.codes(), []);
    assert.deepEqual(p.codes('info'), ['swallowed-cancellation']);
  });

  it('a shielded clean-up may take its time', () => {
    const p = new Program();
    const task = p.task('worker');
    const group = p.enter(task, { kind: ScopeKind.AnyioTaskGroup });
    p.cancelScope(group, { at: 'app.py:3 main' }).cancel(task, { scope: group }).row(Op.TaskCancelDelivered, task, 0, group);
    const shield = p.enter(task);
    p.row(Op.ScopeMeta, shield, group, -1, 1).waits(task, Wait.Io, { at: 'app.py:30 close' });
    p.row(Op.TaskSteps, task, 1, 1, 1).after(2_500);
    p.exit(shield, task).exit(group, task, { flags: ExitFlag.CancelledCaught }).end(task).after(500).bye();
    assert.deepEqual(p.codes(), []);
  });
});

describe('an exit in progress', () => {
  it('out of order is found while it lasts, with the scope that is still open', () => {
    const p = new Program();
    const task = p.task('opener');
    const outer = p.enter(task, { at: 'app.py:5 opener' });
    const inner = p.enter(task, { at: 'app.py:6 opener' });
    p.leaving(outer, task, ExitFlag.OutOfOrder, 'app.py:9 opener').after(100);
    const finding = p.finding('out-of-order-exit');
    assert.match(
      finding.message,
      /left CancelScope at opener \(app\.py:9\) while CancelScope entered later at opener \(app\.py:6\) was still open/,
    );
    assert.equal(finding.here, 'left here');
    p.exit(outer, task, { flags: ExitFlag.OutOfOrder, at: 'app.py:9 opener' }).exit(inner, task).after(100);
    assert.deepEqual(p.codes(), ['out-of-order-exit']);
    assert.equal(p.finding('out-of-order-exit').count, 1);
  });
});
