/** `await` in Debug Console and watches: on the program's own loop, running and paused. */
import assert from 'node:assert/strict';
import { hasAwait } from '../../../src/adapter/tasks/AwaitConsole';
import { fewPythons, program, TestSession } from './session';

const FILE = program('awaiting.py');

describe('await in an expression', () => {
  it('is told from names and strings', () => {
    for (const yes of ['await x', 'x = await f()', '(await f()).y', '[await f() for f in fs]']) assert.ok(hasAwait(yes), yes);
    for (const no of ['awaited', 'x.await_me', '"await x"', 'f("""\nawait\n""")', 'x # await']) assert.ok(!hasAwait(no), no);
  });
});

for (const python of fewPythons()) {
  describe(`await in the console, Python ${python.version}`, function () {
    this.timeout(30_000);
    let session: TestSession;
    afterEach(() => session.end());

    const ready = async (kind: string, breakpoints: string[] = []) => {
      session = await TestSession.launch({ python, program: FILE, args: [kind], breakpoints });
      await session.event('output', 10_000, (body) => /ready/.test(body.output));
    };
    const repl = (expression: string, frameId?: number) => session.evaluate(expression, frameId, 'repl');

    it("runs on the program's own loop while it runs", async () => {
      await ready('asyncio');
      assert.equal(await repl('await slow(1)'), '2');
      assert.equal(await repl('x = await slow(5)'), '');
      assert.equal(await repl('await slow(x)'), '7');
      await assert.rejects(repl('await fails()'), /ValueError: as expected/);
      assert.equal(await repl('await lock.acquire()'), 'True', 'a lock of the program, bound to its loop');
    });

    it('can be cancelled', async () => {
      await ready('asyncio');
      const waiting = session.raw('evaluate', { expression: 'await forever()', context: 'repl' });
      await new Promise((resolve) => setTimeout(resolve, 200));
      await session.request('cancel', { requestId: session.lastSeq('evaluate') });
      const response = await waiting;
      assert.deepEqual([response.success, response.message], [false, 'Cancelled.']);
    });

    it('paused: completes what can complete, in the frame', async () => {
      await ready('asyncio', ['stop']);
      const stop = await session.stopped();
      const frame = stop.frames[0]!.id;
      assert.equal(await repl('await fast(local)', frame), '40');
      const body = await session.request('evaluate', { expression: 'await fast([local])', frameId: frame, context: 'watch' });
      assert.equal(body.result, '[20, 20]');
      const { variables } = await session.request('variables', { variablesReference: body.variablesReference });
      assert.ok(
        variables.some((variable: { value: string }) => variable.value === '20'),
        'the result can be opened',
      );
      await assert.rejects(repl('await fails()', frame), /ValueError: as expected/);
      assert.match(await repl('await current()', frame), /Debug Console await/, 'it does not pose as the paused task');
      assert.match(await session.evaluate('__import__("asyncio").current_task().get_name()', frame), /Task-1/);
    });

    it('paused: keeps what needs the loop, and says so', async () => {
      await ready('asyncio', ['stop']);
      const stop = await session.stopped();
      const frame = stop.frames[0]!.id;
      await assert.rejects(session.evaluate('await slow(local)', frame, 'watch'), /can't complete now.*loop stands/);
      assert.match(await repl('await slow(local)', frame), /awaits sleep.*continue, and its result will be shown/);
      await session.request('continue', { threadId: stop.threadId });
      const output = await session.event('output', 5_000, (body) => body.output.includes('→'));
      assert.equal(output.output, 'await slow(local) → 21\n');
      assert.equal(await repl('await fast(answers)'), '[20, 20]', 'it ran once, in the program');
    });

    it('trio: runs on its loop; paused, arrives later', async () => {
      await ready('trio', ['trio-stop']);
      assert.equal(await repl('await trio_slow(1)'), '2');
      const stop = await session.stopped();
      assert.match(await repl('await trio_slow(local)', stop.frames[0]!.id), /trio loop/);
      await session.request('continue', { threadId: stop.threadId });
      const output = await session.event('output', 5_000, (body) => body.output.includes('→'));
      assert.equal(output.output, 'await trio_slow(local) → 21\n');
    });
  });
}
