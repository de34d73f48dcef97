/** Tasks in the Call Stack, stitched stacks, and the actions on a task. */
import assert from 'node:assert/strict';
import { fewPythons, has, marker, type Python, program, TestSession } from './session';

const TREE = program('tree.py');
const MANY = program('many.py');

/** Frame names without lines: labels as they are. */
const shape = (stack: string[]) => stack.map((entry) => entry.replace(/:\d+$/, ''));

for (const python of fewPythons()) {
  describe(`tasks in the call stack, Python ${python.version}`, function () {
    this.timeout(40_000);
    let session: TestSession;
    afterEach(() => session.end());

    const at = async (kind: string, configuration = {}) => {
      session = await TestSession.launch({
        python,
        program: TREE,
        args: [kind],
        breakpoints: ['leaf', 'any-leaf', 'trio-leaf'],
        configuration,
      });
      return session.stopped();
    };
    const named = async (pattern: RegExp) => {
      const threads = await session.threads();
      const found = threads.find((thread) => pattern.test(thread.name));
      assert.ok(found, `${pattern} in\n${threads.map((thread) => thread.name).join('\n')}`);
      return found;
    };

    for (const kind of ['asyncio', 'uvloop']) {
      it(`${kind}: names, states, and stacks up to the root`, async function () {
        if (kind === 'uvloop' && !has(python, 'uvloop')) return this.skip();
        const stop = await at(kind);
        const [first] = await session.threads();
        assert.equal(first?.id, stop.threadId, 'the stopped one comes first');
        assert.match(first!.name, /^Task-\d+ middle · MainThread$/);
        assert.deepEqual(shape(await session.stack(stop.threadId)), [
          'leaf',
          'middle',
          '── gathered by gatherer ──',
          'gatherer',
          '── awaited by Task-1 main ──',
          'main',
          '<module>',
        ]);
        await named(/^Task-1 main · awaits gatherer tree\.py:\d+$/);
        await named(/^waiter · awaits Lock tree\.py:\d+$/);
        await named(/^holder · awaits sleep tree\.py:\d+$/);
        const sibling = await named(/^Task-\d+ middle · awaits sleep/);
        assert.deepEqual(shape(await session.stack(sibling.id)).slice(0, 4), ['leaf', 'middle', '── gathered by gatherer ──', 'gatherer']);
      });
    }

    for (const [kind, where, via] of [
      ['anyio', 'any_main', 'task group'],
      ['anyio-trio', 'any_main', 'nursery'],
      ['trio', 'trio_main', 'nursery'],
    ] as const) {
      it(`${kind}: stacks go on in the parent`, async () => {
        const stop = await at(kind);
        const leaf = kind === 'trio' ? 'trio_leaf' : 'any_leaf';
        const label = `── in the ${via} of ${where} ──`;
        assert.deepEqual(shape(await session.stack(stop.threadId)), [leaf, label, where, '<module>']);
        const sibling = await named(/awaits sleep/);
        assert.deepEqual(shape(await session.stack(sibling.id)), [leaf, label, where]);
      });
    }

    it('frames of a suspended task: scopes, variables, evaluate, setVariable, completions; pages are exact', async () => {
      const stop = await at('asyncio');
      const { id: threadId } = await named(/middle · awaits sleep/);
      const { stackFrames, totalFrames } = await session.request('stackTrace', { threadId, startFrame: 0, levels: 1 });
      assert.deepEqual([stackFrames.length, totalFrames], [1, 6]);
      const rest = await session.request('stackTrace', { threadId, startFrame: 1, levels: 2 });
      assert.deepEqual([rest.stackFrames.length, rest.totalFrames, rest.stackFrames[1].presentationHint], [2, 6, 'label']);
      const frameId = stackFrames[0].id;
      assert.equal(await session.evaluate('value + "!"', frameId), "'aa!'");
      const { scopes } = await session.request('scopes', { frameId });
      const { variables } = await session.request('variables', { variablesReference: scopes[0].variablesReference });
      assert.deepEqual(
        variables.map((variable: { name: string; value: string }) => `${variable.name}=${variable.value}`),
        ["name='a'", "value='aa'"],
      );
      await session.request('setVariable', { variablesReference: scopes[0].variablesReference, name: 'value', value: "'changed'" });
      const { targets } = await session.request('completions', { frameId, text: 'val', column: 4 });
      assert.ok(targets.some((target: { label: string }) => target.label === 'value'));
      const whole = await session.request('stackTrace', { threadId });
      const label = whole.stackFrames.find((frame: { presentationHint?: string }) => frame.presentationHint === 'label');
      assert.ok(label.id >= 1_000_000_000);
      assert.deepEqual(await session.request('scopes', { frameId: label.id }), { scopes: [] });
      const parent = whole.stackFrames.find((frame: { name: string }) => frame.name === 'main');
      assert.equal(await session.evaluate('lock.locked()', parent.id), 'True');
      await session.request('setBreakpoints', { source: { path: TREE }, breakpoints: [] });
      await session.request('continue', { threadId: stop.threadId });
      await session.event('terminated');
      assert.match(session.output, /\['changed', 'bb'\]/);
    });

    it('says how many there are, and takes the entries back when the program runs on', async () => {
      const stop = await at('asyncio', { asyncHealth: { maxTasksInCallStack: 2 } });
      const threads = await session.threads();
      assert.equal(threads[threads.length - 1]!.name, '… 3 of 6 tasks');
      await session.request('setBreakpoints', { source: { path: TREE }, breakpoints: [] });
      await session.request('continue', { threadId: stop.threadId });
      await session.event('terminated');
    });

    it('library tasks: a live toggle', async () => {
      await at('trio');
      assert.ok((await session.threads()).some((thread) => /init/.test(thread.name)));
      assert.deepEqual(await session.request('asyncHealth/showLibraryTasks', { show: false }), { show: false });
      await session.event('invalidated');
      const threads = await session.threads();
      assert.equal(
        threads.some((thread) => /^<init>/.test(thread.name)),
        false,
      );
      assert.match(threads[threads.length - 1]!.name, /of libraries hidden/);
    });

    it('actions: run until it resumes, reveal where created, cancel', async () => {
      const stop = await at('asyncio');
      await session.request('setBreakpoints', { source: { path: TREE }, breakpoints: [] });
      const gatherer = await named(/^gatherer · /);
      const created = await session.request('asyncHealth/revealCreation', { threadId: gatherer.id });
      assert.match(created.location.file, /tree\.py$/);
      assert.ok(shape(await session.stack(gatherer.id)).includes('── created at ──'));
      const waiter = await named(/^waiter · /);
      assert.match((await session.request('asyncHealth/cancelTask', { threadId: waiter.id })).name, /waiter/);
      const sibling = await named(/middle · awaits sleep/);
      const next = await session.step('stepIn', sibling.id);
      assert.equal(next.name, 'leaf');
      assert.equal(await session.evaluate('name', next.frames[0]!.id), "'a'");
      assert.equal(
        (await session.threads()).some((thread) => /^waiter/.test(thread.name)),
        false,
        'cancelled',
      );
      await session.request('asyncHealth/runUntilResume', { threadId: (await named(/^Task-1 main · /)).id });
      assert.equal((await session.stopped()).name, 'main');
      void stop;
    });
  });
}

describe('10,000 tasks', function () {
  this.timeout(120_000);

  /** ms from `threads` to the leaf frame of the stopped thread, as VS Code asks. */
  async function stopCost(python: Python, probe: boolean): Promise<number> {
    const session = await TestSession.launch({
      python,
      program: MANY,
      args: ['10000'],
      breakpoints: ['stop'],
      configuration: { asyncHealth: { probe } },
    });
    try {
      const { threadId } = await session.event('stopped', 30_000);
      const began = performance.now();
      const threads = await session.threads();
      const body = await session.request('stackTrace', { threadId, startFrame: 0, levels: 20 });
      const tookMs = performance.now() - began;
      assert.equal(body.stackFrames[0].line, marker(MANY, 'stop'));
      if (probe) {
        assert.equal(threads[threads.length - 1]!.name, '… 201 of 10,001 tasks');
        assert.deepEqual(shape(await session.stack(threads[5]!.id)), ['sleeper']);
      }
      return tookMs;
    } finally {
      await session.end();
    }
  }

  for (const python of fewPythons()) {
    it(`cost a stop less than 150 ms over plain debugpy, Python ${python.version}`, async () => {
      const ours: number[] = [];
      const plain: number[] = [];
      for (let round = 0; round < 3; round++) {
        ours.push(await stopCost(python, true));
        plain.push(await stopCost(python, false));
      }
      const median = (values: number[]) => values.sort((a, b) => a - b)[1]!;
      const extraMs = median(ours) - median(plain);
      console.log(`        ${median(ours).toFixed(0)} ms, plain ${median(plain).toFixed(0)} ms`);
      assert.ok(extraMs < 150, `${extraMs.toFixed(0)} ms more than plain debugpy`);
    });
  }
});
