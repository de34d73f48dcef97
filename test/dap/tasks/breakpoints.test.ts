/** Breakpoints of the editor and of code in one file, operations of the program, and the rules of merging. */
import assert from 'node:assert/strict';
import { hitExpression, mergeLines, type Part } from '../../../src/adapter/tasks/mergeLines';
import { fewPythons, marker, program, TestSession } from './session';

const FILE = program('operations.py');
const RUNNING = program('running.py');
const FIRST = marker(FILE, 'work-first');
const AFTER = marker(FILE, 'work-after');
const LOOP = marker(FILE, 'loop');

describe('merging of lines', () => {
  const part = (id: string, line: number, rest: Partial<Part> = {}): Part => ({ id, line, ...rest });
  const merged = (...parts: Part[]) => mergeLines(parts, (line) => line * 10);

  it('leaves a line with one breakpoint as it is', () => {
    const breakpoint = { line: 3, condition: 'x', hitCondition: '>2', logMessage: '{x}' };
    assert.deepEqual(merged(part('c1', 3, breakpoint)), [{ line: 3, parts: [part('c1', 3, breakpoint)], breakpoint }]);
  });

  it('needs no condition where one part always stops', () => {
    const [line] = merged(part('c1', 3), part('p1', 3, { condition: 'x' }));
    assert.deepEqual([line?.breakpoint, line?.number], [{ line: 3 }, undefined]);
  });

  it('asks the probe for shared conditions, counts, log points and operations', () => {
    for (const other of [{ condition: 'x' }, { hitCondition: '2' }, { logMessage: 'm' }, { operation: 'op' }]) {
      const [line] = merged(part('c1', 3, { condition: 'y' }), part('p1', 3, other));
      assert.equal(line?.number, 30);
      assert.match(line!.breakpoint.condition!, /check\(30, globals\(\), locals\(\)\)$/);
    }
    assert.equal(merged(part('p1', 3, { operation: 'op' }))[0]?.number, 30);
  });

  it('puts parts together where debugpy moved them to one line', () => {
    assert.equal(merged(part('c1', 3, { actualLine: 4 }), part('p1', 4)).length, 1);
  });

  it('reads hit counts as debugpy does', () => {
    const cases = {
      '3': 'hits == 3',
      ' == 3': 'hits == 3',
      '>= 2': 'hits >= 2',
      '% 2': 'hits % 2 == 0',
      '@HIT@ in (1, 2)': 'hits in (1, 2)',
    };
    for (const [given, expected] of Object.entries(cases)) assert.equal(hitExpression(given), expected);
  });
});

for (const python of fewPythons()) {
  describe(`breakpoints of editor and program, Python ${python.version}`, function () {
    this.timeout(40_000);
    let session: TestSession;
    afterEach(() => session.end());

    const start = async (kind: string, line: number, breakpoints: (object | string)[] = []) => {
      session = await TestSession.launch({ python, program: FILE, args: [kind, String(line)], breakpoints: breakpoints as never });
    };
    const go = (threadId: number) => session.request('continue', { threadId });
    const stops = () => session.events.filter((event) => event.event === 'stopped').length;

    it('an operation stops in its own context only, and cleans up', async () => {
      await start('one', FIRST);
      const stop = await session.stopped();
      assert.equal(stop.line, FIRST);
      assert.equal(await session.evaluate('n', stop.frames[0]!.id), '7');
      assert.equal(stop.body.hitBreakpointIds, undefined, 'the client did not set it');
      const [open] = session.adapter.remote.listSessions();
      assert.deepEqual([open?.name, open?.active, open?.metadata.n], ['op 7', true, 7]);
      await go(stop.threadId);
      await session.event('terminated');
      assert.match(session.output, /result 15[\s\S]*end/);
      assert.equal(stops(), 1, 'neither other tasks nor later calls stopped');
      const [ended] = session.adapter.remote.listSessions(true);
      assert.equal(ended?.active, false);
      assert.ok(ended?.events.some((event) => event.type === 'breakpoint-hit'));
    });

    it('an exception comes out unchanged and is recorded', async () => {
      await start('failing', AFTER);
      await session.event('terminated');
      assert.match(session.output, /raised 'mine'[\s\S]*end/);
      const [ended] = session.adapter.remote.listSessions(true);
      assert.match(ended?.failures.join() ?? '', /KeyError/);
      assert.equal(stops(), 0);
    });

    it('a hundred operations at once do not disturb one another', async () => {
      await start('many', LOOP); // a line none of them runs
      await session.event('terminated', 30_000);
      assert.match(session.output, /results 10000[\s\S]*end/);
      assert.equal(stops(), 0);
      const sessions = session.adapter.remote.listSessions(true);
      assert.equal(sessions.length, 100);
      assert.deepEqual(
        sessions.filter((one) => one.active || one.failures.length > 0),
        [],
      );
    });

    it("the editor's breakpoint on the same line keeps its own condition and id", async () => {
      await start('one', FIRST, [{ marker: 'work-first', condition: 'n == 101' }, 'loop']);
      const [mine] = session.breakpointBodies;
      const seen: string[] = [];
      for (;;) {
        const stop = await session.stopped();
        if (stop.line === LOOP) break;
        seen.push(`${await session.evaluate('n', stop.frames[0]!.id)} ${JSON.stringify(stop.body.hitBreakpointIds ?? null)}`);
        await go(stop.threadId);
      }
      // debugpy before 1.8.22 says nothing of ids
      assert.ok([`101 [${mine!.id}]`, '101 null'].includes(seen.sort()[0]!), seen.join());
      assert.deepEqual(seen.slice(1), ['7 null']);
      assert.equal(
        session.events.some((event) => event.event === 'breakpoint' && event.body.reason === 'new'),
        false,
      );
    });

    it("merges RemoteDebugger's with the editor's: hit counts and log points on one line", async () => {
      await start('plain', 1, [{ marker: 'loop', hitCondition: '2' }]);
      const remote = session.adapter.remote;
      const first = await session.stopped();
      assert.equal(await session.evaluate('n', first.frames[0]!.id), '1');
      const log = await remote.setBreakpoint(FILE, LOOP, { logMessage: 'n is {n}' });
      const counted = await remote.setBreakpoint(FILE, LOOP, { hitCount: 2 });
      assert.deepEqual([log.verified, counted.verified, counted.line], [true, true, LOOP]);
      await go(first.threadId);
      const second = await session.stopped();
      // 2: first passage of all merged parts. 3: the program's count of 2 is reached.
      assert.equal(await session.evaluate('n', second.frames[0]!.id), '3');
      assert.match(session.output, /n is 2\r?\nn is 3/);
      assert.equal(await remote.removeBreakpoint(counted.id), true);
      assert.equal(await remote.removeBreakpoint(log.id), true);
      assert.equal(await remote.removeBreakpoint(log.id), false);
      const body = await session.setBreakpoints(FILE, []);
      assert.deepEqual(body.breakpoints, []);
      await go(second.threadId);
      await session.event('terminated');
    });
  });
}

for (const python of fewPythons()) {
  describe(`breakpoints set while coroutines are suspended, Python ${python.version}`, function () {
    this.timeout(40_000);
    for (const library of ['asyncio', 'trio']) {
      for (const place of ['ticker', 'generator', 'consumer']) {
        it(`${library}: ${place}`, async () => {
          const session = await TestSession.launch({ python, program: RUNNING, args: [library] });
          try {
            await session.event('output', 20_000, (body) => body.output.includes('ready'));
            await session.setBreakpoints(RUNNING, [place]);
            const stop = await session.stopped();
            assert.equal(stop.line, marker(RUNNING, place));
            await session.setBreakpoints(RUNNING, []);
          } finally {
            await session.end();
          }
        });
      }
    }
  });
}
