/** Findings about locks, queues and whoever waits. */
import assert from 'node:assert/strict';
import { LockKind, LockOp, Op, Outcome, Program, spot, Wait } from '../support/program';

describe('lock-deadlock', () => {
  it('two tasks with two locks in opposite order', () => {
    const p = new Program();
    const [one, two] = [p.task('deposit'), p.task('withdraw')];
    const [checking, savings] = [p.lock(LockKind.Lock, { name: 'checking' }), p.lock(LockKind.Lock, { name: 'savings' })];
    p.holds(one, checking, 'bank.py:11 deposit').holds(two, savings, 'bank.py:18 withdraw').after(200);
    p.acquires(one, savings, 'bank.py:13 deposit').acquires(two, checking, 'bank.py:20 withdraw').after(100);
    assert.deepEqual(p.codes(), [], 'one look is not enough');
    p.after(400);
    assert.deepEqual(p.codes(), ['lock-deadlock']);
    const finding = p.finding('lock-deadlock');
    assert.equal(finding.severity, 'error');
    const places = [finding.location, ...finding.related].map(spot);
    for (const place of ['bank.py:13', 'bank.py:20', 'bank.py:11', 'bank.py:18'])
      assert.ok(places.includes(place), `${place} in ${places}`);
    assert.match(finding.message, /"deposit" waits for savings at bank\.py:13/);
    assert.match(finding.advice, /2 locks in one order/);
    assert.match(finding.message, /It has stood for over 200 ms\.$/);
    p.after(6_000);
    assert.match(p.finding('lock-deadlock').message, /It has stood for over 5\.0 s\.$/);
    p.lockWaitEnd(one, savings, true).end(one, Outcome.Cancelled).after(200);
    assert.equal(p.finding('lock-deadlock').resolved, false, 'it has not come undone by itself');
    assert.match(p.finding('lock-deadlock').message, /waits for savings .*It stood for \d.*, until "deposit" was made to give up\./);
  });

  it('locks made at one place are told apart by a number, as long as there are several', () => {
    const p = new Program();
    const [one, two] = [p.task('left'), p.task('right')];
    const forks = Array.from({ length: 3 }, () => p.lock(LockKind.Lock, { at: 'dinner.py:3 lay' }));
    const lone = p.lock(LockKind.Lock, { at: 'dinner.py:9 pour' });
    p.holds(one, forks[0]!).holds(two, forks[1]!).acquires(one, forks[1]!).acquires(two, forks[0]!).after(800);
    assert.match(p.finding('lock-deadlock').message, /waits for Lock #2 \(dinner\.py:3\).*waits for Lock #1 \(dinner\.py:3\)/);
    const names = () => p.model.window('locks', { offset: 0, limit: 10 }).rows.map((row) => ('name' in row ? row.name : undefined));
    assert.deepEqual(names(), ['Lock #1', 'Lock #2', 'Lock #3', undefined]);
    p.row(Op.LockGone, forks[2]!).row(Op.LockGone, lone).after(100);
    assert.deepEqual(names(), ['Lock #1', 'Lock #2']);
    p.end(one).end(two).row(Op.LockGone, forks[0]!).after(100);
    assert.deepEqual(names(), [undefined]);
  });

  it('comes undone when somebody else releases the lock', () => {
    const p = new Program();
    const [one, two] = [p.task('deposit'), p.task('withdraw')];
    const [checking, savings] = [p.lock(LockKind.Lock, { name: 'checking' }), p.lock(LockKind.Lock, { name: 'savings' })];
    p.holds(one, checking).holds(two, savings).after(200);
    p.acquires(one, savings).acquires(two, checking).after(800);
    assert.deepEqual(p.codes(), ['lock-deadlock']);
    p.frees(two, savings).lockWaitEnd(one, savings).holds(one, savings).after(200);
    assert.equal(p.finding('lock-deadlock').resolved, true);
  });

  it('a circle of locks and awaits over many tasks', () => {
    const p = new Program();
    const tasks = Array.from({ length: 6 }, (_, n) => p.task(`worker-${n}`));
    const locks = tasks.slice(0, 5).map((task) => {
      const lock = p.lock();
      p.holds(task, lock, 'app.py:3 work');
      return lock;
    });
    for (let n = 0; n < 4; n++) p.acquires(tasks[n]!, locks[n + 1]!, 'app.py:5 work');
    p.waits(tasks[4]!, Wait.Task, { on: tasks[5]!, at: 'app.py:9 work' });
    p.acquires(tasks[5]!, locks[0]!, 'app.py:12 last').after(500);
    assert.deepEqual(p.codes(), ['lock-deadlock']);
    assert.match(p.finding('lock-deadlock').message, /"worker-4"/);
  });

  it('a long chain that ends in somebody who sleeps is no circle; a circle that dissolves is not reported', () => {
    const p = new Program();
    const tasks = Array.from({ length: 50 }, (_, n) => p.task(`worker-${n}`));
    const locks = tasks.map((task) => {
      const lock = p.lock();
      p.holds(task, lock);
      return lock;
    });
    for (let n = 0; n < 49; n++) p.acquires(tasks[n]!, locks[n + 1]!, 'app.py:5 work');
    p.waits(tasks[49]!, Wait.Sleep).after(1_000);
    assert.deepEqual(p.codes(), []);
    p.acquires(tasks[49]!, locks[0]!, 'app.py:6 work').after(100);
    p.lockWaitEnd(tasks[49]!, locks[0]!, true).after(1_000);
    assert.deepEqual(p.codes(), []);
  });

  it('a semaphore with a holder outside the circle lets it go on', () => {
    for (const [outsider, expected] of [
      [true, []],
      [false, ['lock-deadlock']],
    ] as const) {
      const p = new Program();
      const [a, b, c] = [p.task('a'), p.task('b'), p.task('c')];
      const limit = p.lock(LockKind.Semaphore, { capacity: 2 });
      const lock = p.lock();
      p.holds(a, limit)
        .holds(outsider ? c : a, limit)
        .holds(b, lock);
      p.acquires(a, lock, 'app.py:5 a').acquires(b, limit, 'app.py:8 b').after(800);
      assert.deepEqual(p.codes(), expected);
    }
  });
});

describe('lock-reentry', () => {
  it('is told by the probe, with the place of the first acquire', () => {
    const p = new Program();
    const task = p.task('adder');
    const lock = p.lock(LockKind.Lock, { name: 'asyncio.Lock', at: 'app.py:12 __init__' });
    p.holds(task, lock, 'app.py:20 add_twice').row(Op.LockReentry, lock, task, 0, p.stack('app.py:16 add'));
    p.acquires(task, lock, 'app.py:16 add').after(1_500);
    assert.deepEqual(p.codes(), ['lock-reentry'], 'and not a deadlock of one besides');
    const finding = p.finding('lock-reentry');
    assert.equal(spot(finding.location), 'app.py:16');
    assert.equal(spot(finding.related[0]), 'app.py:20');
    assert.equal(finding.count, 1);
  });

  it('waits a moment for the place of the first acquire where the probe must look for it', () => {
    const p = new Program();
    const task = p.task('adder');
    const lock = p.lock();
    p.holds(task, lock).row(Op.LockReentry, lock, task, 0, p.stack('app.py:16 add'));
    p.acquires(task, lock, 'app.py:16 add').after(100);
    assert.deepEqual(p.codes(), []);
    p.row(Op.LockPlace, lock, task, 0, p.stack('app.py:20 add_twice')).after(50);
    assert.deepEqual(p.codes(), ['lock-reentry']);
    assert.equal(spot(p.finding('lock-reentry').related[0]), 'app.py:20');
  });

  it('and does without it when it does not come', () => {
    const p = new Program();
    const task = p.task('adder');
    const lock = p.lock();
    p.holds(task, lock).row(Op.LockReentry, lock, task, 0, p.stack('app.py:16 add'));
    p.acquires(task, lock, 'app.py:16 add').after(800);
    assert.deepEqual(p.codes(), ['lock-reentry']);
  });

  it('says when the library refuses', () => {
    const p = new Program();
    const task = p.task('adder');
    const lock = p.lock();
    p.holds(task, lock, 'app.py:20 add_twice').row(Op.LockReentry, lock, task, 1, p.stack('app.py:16 add')).after(100);
    assert.match(p.finding('lock-reentry').message, /the library refuses/);
  });

  it('is found by the model where the probe does not compare', () => {
    const p = new Program();
    const task = p.task('adder');
    const lock = p.lock();
    p.holds(task, lock, 'app.py:20 add_twice').acquires(task, lock, 'app.py:16 add').after(200);
    assert.deepEqual(p.codes(), ['lock-reentry']);
  });
});

describe('lock-abandoned', () => {
  it('the owner ended; somebody waits', () => {
    const p = new Program();
    const [owner, next] = [p.task('forgetful'), p.task('next')];
    const lock = p.lock();
    p.holds(owner, lock, 'app.py:11 forgetful').acquires(next, lock, 'app.py:19 next_one').end(owner).after(500);
    assert.deepEqual(p.codes(), ['lock-abandoned']);
    const finding = p.finding('lock-abandoned');
    assert.equal(finding.severity, 'error');
    assert.deepEqual([finding.location, finding.related[0]].map(spot), ['app.py:11', 'app.py:19']);
    assert.match(finding.message, /"forgetful" ended without releasing/);
  });

  it('also when the waiter comes long after', () => {
    const p = new Program();
    const [owner, next] = [p.task('forgetful'), p.task('next')];
    const lock = p.lock();
    p.end(owner).after(2_000);
    // The probe tells holders when somebody waits for them.
    p.holds(owner, lock).acquires(next, lock, 'app.py:19 next_one').after(500);
    assert.deepEqual(p.codes(), ['lock-abandoned']);
  });

  it('a lost wake-up: free, and the waiter sleeps on', () => {
    const p = new Program();
    const waiter = p.task('waiter');
    const lock = p.lock();
    p.acquires(waiter, lock, 'app.py:19 wait').row(Op.LockState, lock, 0, 1, 0).after(600);
    assert.deepEqual(p.codes(), []);
    p.after(800);
    assert.deepEqual(p.codes(), ['lock-abandoned']);
    p.holds(waiter, lock).after(200);
    assert.equal(p.finding('lock-abandoned').resolved, true);
  });

  it('released on the way out, or handed on, is clean; so is a semaphore released by others', () => {
    const p = new Program();
    const [a, b] = [p.task('a'), p.task('b')];
    const lock = p.lock();
    const limit = p.lock(LockKind.Semaphore, { capacity: 1 });
    p.holds(a, lock).holds(a, limit).acquires(b, lock, 'app.py:3 b').frees(a, lock).holds(b, lock).end(a).after(600);
    p.frees(b, lock).end(b).after(600).bye();
    assert.deepEqual(p.codes('error', 'warning', 'info'), []);
  });
});

describe('lock-timeout', () => {
  const thresholds = { lockWaitMs: 500, lockHoldMs: 500 };

  it('names waiter and holder, and is over when the lock is free again', () => {
    const p = new Program({ thresholds });
    const [holder, waiter] = [p.task('holder'), p.task('waiter')];
    const lock = p.lock(LockKind.Lock, { name: 'db' });
    p.holds(holder, lock, 'app.py:13 holder').after(100);
    p.acquires(waiter, lock, 'app.py:20 waiter').after(300);
    assert.deepEqual(p.codes(), []);
    p.after(400);
    assert.deepEqual(p.codes(), ['lock-timeout']);
    const finding = p.finding('lock-timeout');
    assert.deepEqual([finding.location, finding.related[0]].map(spot), ['app.py:20', 'app.py:13']);
    p.frees(holder, lock).holds(waiter, lock).after(200);
    assert.equal(p.finding('lock-timeout').resolved, true);
  });

  it('waiting for events, items and a busy semaphore is not waiting for a lock', () => {
    const p = new Program({ thresholds });
    const tasks = ['a', 'b', 'c', 'd'].map((name) => p.task(name));
    p.lockWait(tasks[0]!, p.lock(LockKind.Event), LockOp.Wait, 'app.py:3 a');
    p.lockWait(tasks[1]!, p.lock(LockKind.Queue), LockOp.Get, 'app.py:4 b');
    const limit = p.lock(LockKind.Semaphore, { capacity: 1 });
    p.holds(tasks[2]!, limit).acquires(tasks[3]!, limit, 'app.py:9 d');
    const others = Array.from({ length: 10 }, (_, n) => p.task(`other-${n}`));
    for (const other of others) p.frees(tasks[2]!, limit).holds(other, limit).after(300);
    assert.deepEqual(p.codes('error', 'warning', 'info'), []);
  });

  it('is silent where the cause is known already', () => {
    const p = new Program({ thresholds });
    const [owner, next] = [p.task('forgetful'), p.task('next')];
    const lock = p.lock();
    p.holds(owner, lock, 'app.py:11 forgetful').acquires(next, lock, 'app.py:19 next').end(owner).after(3_000);
    assert.deepEqual(p.codes(), ['lock-abandoned']);
  });
});

describe('queue-stuck', () => {
  function joining(p: Program) {
    const main = p.task('main');
    const queue = p.lock(LockKind.Queue, { name: 'jobs' });
    return { main, queue };
  }

  it('the only consumer died', () => {
    const p = new Program();
    const { main, queue } = joining(p);
    const consumer = p.task('consumer', { by: main, at: 'app.py:30 main' });
    p.lockWait(consumer, queue, LockOp.Get, 'app.py:12 consumer').lockWaitEnd(consumer, queue);
    p.row(Op.LockState, queue, 0, 2, 3).lockWait(main, queue, LockOp.Join, 'app.py:22 produce');
    p.end(consumer, Outcome.Failed, 'ValueError: cannot digest 2', 'app.py:14 consumer').after(600);
    assert.deepEqual(p.codes(), ['queue-stuck']);
    const finding = p.finding('queue-stuck');
    assert.equal(spot(finding.location), 'app.py:22');
    assert.match(finding.message, /3 unfinished items/);
    assert.equal(spot(finding.related[0]), 'app.py:14');
  });

  it('nobody was ever seen to take, and nobody else lives', () => {
    const p = new Program();
    const { main, queue } = joining(p);
    p.row(Op.LockState, queue, 0, 2, 3).lockWait(main, queue, LockOp.Join, 'app.py:22 produce').after(1_200);
    assert.deepEqual(p.codes(), ['queue-stuck']);
  });

  it('a slow consumer that lives is fine, seen or not', () => {
    for (const seen of [true, false]) {
      const p = new Program();
      const { main, queue } = joining(p);
      const consumer = p.task('consumer', { by: main });
      if (seen) p.lockWait(consumer, queue, LockOp.Get).lockWaitEnd(consumer, queue);
      p.lockWait(main, queue, LockOp.Join, 'app.py:22 produce');
      for (let left = 5; left > 0; left--)
        p.row(Op.LockState, queue, 0, left - 1, left)
          .waits(consumer, Wait.Sleep)
          .after(2_000);
      p.row(Op.LockState, queue, 0, 0, 0).lockWaitEnd(main, queue).end(main).after(200).bye();
      assert.deepEqual(p.codes('error', 'warning', 'info'), []);
    }
  });
});

describe('stuck-task', () => {
  const thresholds = { stuckTaskMs: 700 };

  it('past the threshold, with nothing alive that could wake it', () => {
    const p = new Program({ thresholds });
    const main = p.task('main');
    const task = p.task('news', { by: main, at: 'app.py:17 main' });
    const event = p.lock(LockKind.Event);
    p.lockWait(task, event, LockOp.Wait, 'app.py:12 wait_for_news').waits(task, Wait.Event, { on: event, at: 'app.py:12 wait_for_news' });
    p.row(Op.TaskUnreachable, task, event, 1).after(500);
    assert.deepEqual(p.codes(), []);
    p.after(400);
    assert.deepEqual(p.codes(), ['stuck-task']);
    assert.equal(spot(p.finding('stuck-task').location), 'app.py:12');
    assert.match(p.finding('stuck-task').message, /Event\.wait/);
    p.lockWaitEnd(task, event).waits(task, Wait.Ready).after(200);
    assert.equal(p.finding('stuck-task').resolved, true);
  });

  it('a main task that waits for ever is only noted, one with a deadline not at all', () => {
    const p = new Program({ thresholds });
    const [main, bounded] = [p.task('main'), p.task('bounded')];
    p.row(Op.ScopeMeta, p.enter(bounded), 0, 60e9);
    for (const task of [main, bounded]) {
      const event = p.lock(LockKind.Event);
      p.lockWait(task, event, LockOp.Wait, 'app.py:12 main').row(Op.TaskUnreachable, task, event, 1);
    }
    p.after(2_000);
    assert.deepEqual(p.codes(), []);
    assert.deepEqual(p.codes('info'), ['stuck-task']);
  });

  it('a long wait alone is no mistake', () => {
    const p = new Program({ thresholds });
    const task = p.task('server');
    p.waits(task, Wait.Future, { at: 'app.py:12 serve' }).after(60_000);
    p.row(Op.TaskUnreachable, task, 0, 1).row(Op.TaskUnreachable, task, 0, 0).after(5_000);
    assert.deepEqual(p.codes('error', 'warning', 'info'), []);
  });
});

describe('short waits', () => {
  it('are counted, cumulatively, also when the probe begins anew', () => {
    const p = new Program();
    const lock = p.lock();
    p.row(Op.LockWaits, lock, 40, 2e6, 3).row(Op.LockWaits, lock, 50, 3e6, 4).row(Op.LockWaits, lock, 5, 1e6, 1).after(50);
    const { locks } = p.model.resources;
    assert.deepEqual([locks.contended, locks.failedWaits, locks.acquisitions], [55, 5, 50]);
    assert.equal(locks.longestWaitNs, 3e6);
    assert.equal(locks.waitersNow, 0);
  });
});
