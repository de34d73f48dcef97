/** Stop on violation, and pause of programs whose loops are idle, blocked or spinning. */
import assert from 'node:assert/strict';
import { fewPythons, has, marker, program, TestSession } from './session';

const FILE = program('stops.py');

for (const python of fewPythons()) {
  describe(`stop on violation and pause, Python ${python.version}`, function () {
    this.timeout(30_000);
    let session: TestSession;
    afterEach(() => session.end());

    const start = async (scenario: string, filters: object[] = []) => {
      session = await TestSession.launch({ python, program: FILE, args: [scenario], filters: filters as never });
      return session;
    };

    it("offers the filters beside debugpy's own", async () => {
      await start('idle');
      const names = session.initializeBody.exceptionBreakpointFilters.map((filter: { filter: string }) => filter.filter);
      assert.deepEqual(names, ['raised', 'uncaught', 'userUnhandled', 'asyncHealth.errors', 'asyncHealth.warnings']);
      const response = await session.raw('setExceptionBreakpoints', {
        filters: [],
        filterOptions: [{ filterId: 'uncaught' }, { filterId: 'asyncHealth.errors', condition: 'lock-reentry, nonsense' }],
      });
      assert.equal(response.success, true);
      assert.match(response.body.breakpoints[1].message, /nonsense/);
    });

    it('stops where a lock is taken twice, and says what to do', async () => {
      await start('reentry', [{ filterId: 'asyncHealth.errors' }]);
      const stop = await session.stopped();
      assert.equal(stop.reason, 'exception');
      assert.equal(stop.line, marker(FILE, 'reentry'));
      assert.match(stop.body.text, /already holds/);
      const info = await session.request('exceptionInfo', { threadId: stop.threadId });
      assert.equal(info.exceptionId, 'lock-reentry');
      assert.match(info.description, /Fix: /);
      assert.equal(await session.evaluate('lock.locked()', stop.frames[0]!.id), 'True');
      assert.equal(await session.evaluate('doubled(21)', stop.frames[0]!.id), '42', "evaluating the user's code does not stop again");
      await session.request('continue', { threadId: stop.threadId });
      await session.event('terminated');
    });

    it('stops in the task that leaves the scope of another', async () => {
      await start('cross_task', [{ filterId: 'asyncHealth.errors', condition: 'cross-task-exit' }]);
      const stop = await session.stopped();
      assert.deepEqual([stop.reason, stop.name, stop.line], ['exception', 'leave', marker(FILE, 'cross')]);
      const info = await session.request('exceptionInfo', { threadId: stop.threadId });
      assert.equal(info.exceptionId, 'cross-task-exit');
      await session.request('continue', { threadId: stop.threadId });
      await session.event('terminated');
    });

    it('does not stop at codes that were not chosen', async () => {
      await start('reentry', [{ filterId: 'asyncHealth.errors', condition: 'cross-task-exit' }]);
      await session.event('terminated');
      assert.equal(
        session.events.some((event) => event.event === 'stopped'),
        false,
      );
    });

    it('stops at a deadlock, which only the model sees', async () => {
      await start('deadlock', [{ filterId: 'asyncHealth.errors', condition: 'lock-deadlock' }]);
      const stop = await session.stopped();
      assert.equal(stop.reason, 'exception');
      const info = await session.request('exceptionInfo', { threadId: stop.threadId });
      assert.equal(info.exceptionId, 'lock-deadlock');
      const names = (await session.threads()).map((thread) => thread.name);
      assert.ok(
        names.some((name) => /one · awaits Lock stops\.py:/.test(name)),
        names.join('\n'),
      );
    });

    for (const scenario of ['idle', 'uvloop_idle', 'trio_idle', 'spin', 'block']) {
      it(`pauses: ${scenario}`, async function () {
        if (scenario === 'uvloop_idle' && !has(python, 'uvloop')) return this.skip();
        await start(scenario);
        await session.event('output', 10_000, (body) => /idle|spin|block/.test(body.output));
        await new Promise((resolve) => setTimeout(resolve, 300));
        const began = performance.now();
        await session.request('pause', { threadId: 1 });
        const stop = await session.stopped();
        const tookMs = performance.now() - began;
        assert.equal(stop.reason, 'pause');
        if (/idle/.test(scenario)) assert.ok(tookMs < 100, `stopped after ${tookMs.toFixed(0)} ms`);
        if (scenario === 'spin') assert.equal(stop.name, 'spin');
        const threads = await session.threads();
        if (/idle/.test(scenario)) {
          const task = threads.find((thread) => /sleep/.test(thread.name));
          assert.ok(task, threads.map((thread) => thread.name).join('\n'));
          assert.ok((await session.stack(task.id)).length > 0);
        }
        await session.request('continue', { threadId: stop.threadId });
      });
    }
  });
}
