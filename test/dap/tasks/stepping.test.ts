/** Every kind of step at every kind of place in a task, while siblings run the same code: the step stays with the task. */
import assert from 'node:assert/strict';
import { marker, minor, type Python, program, pythons, TestSession } from './session';

const FILE = program('steps.py');

interface Case {
  /** Scenario of steps.py. */
  scenario: string;
  /** Marker of the breakpoint; only the task under test stops there. */
  at: string;
  steps: Step[];
  /** Lowest Python. */
  since?: string;
  /** Says why in words. */
  title: string;
}

type Command = 'next' | 'stepIn' | 'stepOut';
/** Command and the marker (or markers) where it must lead. */
type Step = [Command, string | string[]];

export const CASES: Case[] = [
  {
    title: 'next over an await',
    scenario: 'await_task',
    at: 'work-first',
    steps: [
      ['next', 'work-await'],
      ['next', 'work-after'],
      ['next', 'work-return'],
    ],
  },
  {
    title: 'next past the final return of a task, to its awaiter',
    scenario: 'await_task',
    at: 'work-return',
    steps: [['next', ['parent-await', 'parent-after']]],
  },
  {
    title: 'stepIn past the final return of a task',
    scenario: 'await_task',
    at: 'work-return',
    steps: [['stepIn', ['parent-await', 'parent-after']]],
  },
  {
    title: 'stepOut of a task, to its awaiter',
    scenario: 'await_task',
    at: 'work-first',
    steps: [['stepOut', ['parent-await', 'parent-after']]],
  },
  {
    title: 'next past the end of a gathered task',
    scenario: 'await_gather',
    at: 'work-return',
    steps: [['next', ['gather-await', 'gather-after']]],
  },
  {
    title: 'stepOut of a gathered task',
    scenario: 'await_gather',
    at: 'work-first',
    steps: [['stepOut', ['gather-await', 'gather-after']]],
  },
  {
    title: 'next past the end of a task of a TaskGroup',
    scenario: 'await_group',
    at: 'work-return',
    since: '3.11',
    steps: [['next', ['group-after']]],
  },
  {
    title: 'stepOut of a task of a TaskGroup',
    scenario: 'await_group',
    at: 'work-first',
    since: '3.11',
    steps: [['stepOut', ['group-after']]],
  },
  { title: 'next over "return await"', scenario: 'plain_nested', at: 'tail-last', steps: [['next', ['nested-call', 'nested-after']]] },
  { title: 'next over a call whose last line awaits', scenario: 'plain_nested', at: 'nested-call', steps: [['next', 'nested-after']] },
  {
    title: 'stepIn at an await of a coroutine',
    scenario: 'plain_nested',
    at: 'nested-call',
    steps: [
      ['stepIn', 'tail-first'],
      ['next', 'tail-last'],
      ['stepIn', 'work-first'],
    ],
  },
  {
    title: 'stepOut through "return await"',
    scenario: 'plain_nested',
    at: 'work-first',
    steps: [['stepOut', ['tail-last', 'nested-call', 'nested-after']]],
  },
  {
    title: 'next over a last line that is an await',
    scenario: 'plain_last_await',
    at: 'lastawait-last',
    steps: [['next', ['plainlast-call', 'plainlast-after']]],
  },
  {
    title: 'stepIn at a last line that is an await',
    scenario: 'plain_last_await',
    at: 'lastawait-last',
    steps: [['stepIn', ['plainlast-call', 'plainlast-after']]],
  },
  {
    title: 'stepOut from a coroutine to its caller',
    scenario: 'plain_last_await',
    at: 'lastawait-first',
    steps: [['stepOut', ['plainlast-call', 'plainlast-after']]],
  },
  {
    title: 'next out of a task that fails',
    scenario: 'await_failing',
    at: 'fails-raise',
    steps: [['next', ['failing-await', 'failing-except', 'failing-caught']]],
  },
  {
    title: 'next over an await that lets a task fail',
    scenario: 'await_failing',
    at: 'failing-await',
    steps: [['next', ['failing-except', 'failing-caught']]],
  },
  {
    title: 'several steps, the last one out of a coroutine that fails',
    scenario: 'nested_failing',
    at: 'fails-first',
    steps: [
      ['next', 'fails-await'],
      ['next', 'fails-raise'],
      ['next', ['nestedfail-except', 'nestedfail-caught']],
    ],
  },
  {
    title: 'next out of a coroutine that fails',
    scenario: 'nested_failing',
    at: 'fails-raise',
    steps: [['next', ['nestedfail-except', 'nestedfail-caught']]],
  },
  {
    title: 'stepOut of a coroutine that fails',
    scenario: 'nested_failing',
    at: 'fails-first',
    steps: [['stepOut', ['nestedfail-except', 'nestedfail-caught']]],
  },
  {
    title: 'next over an await at which the task is cancelled',
    scenario: 'await_cancelled',
    at: 'cancelled-first',
    steps: [
      ['next', 'cancelled-await'],
      ['next', ['awaitcancelled-await', 'awaitcancelled-except', 'awaitcancelled-caught']],
    ],
  },
  {
    title: 'stepIn at an await of a task',
    scenario: 'step_in_task',
    at: 'stepin-before',
    steps: [
      ['next', 'stepin-await'],
      ['stepIn', 'child-first'],
    ],
  },
  { title: 'next at an await of a task', scenario: 'step_in_task', at: 'stepin-await', steps: [['next', 'stepin-after']] },
  { title: 'stepIn at an await of gather', scenario: 'step_in_gather', at: 'stepgather-await', steps: [['stepIn', 'child-first']] },
  { title: 'next at an await of gather', scenario: 'step_in_gather', at: 'stepgather-await', steps: [['next', 'stepgather-after']] },
  {
    title: 'stepIn at an await that has nothing to step into',
    scenario: 'step_in_sleep',
    at: 'stepsleep-await',
    steps: [['stepIn', 'stepsleep-after']],
  },
  { title: 'stepIn at wait_for', scenario: 'wait_for', at: 'waitfor-await', steps: [['stepIn', 'work-first']] },
  { title: 'next at wait_for', scenario: 'wait_for', at: 'waitfor-await', steps: [['next', 'waitfor-after']] },
  {
    title: 'next past the end of the root task',
    scenario: 'root_end',
    at: 'root-return',
    steps: [['next', ['mainroot-last', 'run-root', 'run-after']]],
  },
  { title: 'stepOut of the root task', scenario: 'root_end', at: 'mainroot-last', steps: [['stepOut', ['run-root', 'run-after']]] },
  {
    title: 'anyio: next over an await',
    scenario: 'anyio',
    at: 'anywork-first',
    steps: [
      ['next', 'anywork-await'],
      ['next', 'anywork-after'],
    ],
  },
  { title: 'anyio: next past the end of a task', scenario: 'anyio', at: 'anywork-return', steps: [['next', 'any-after']] },
  { title: 'anyio: stepOut of a task', scenario: 'anyio', at: 'anywork-first', steps: [['stepOut', 'any-after']] },
  {
    title: 'trio: next over an await',
    scenario: 'trio',
    at: 'anywork-first',
    steps: [
      ['next', 'anywork-await'],
      ['next', 'anywork-after'],
    ],
  },
  { title: 'trio: next past the end of a task', scenario: 'trio', at: 'anywork-return', steps: [['next', 'any-after']] },
  { title: 'trio: stepOut of a task', scenario: 'trio', at: 'anywork-first', steps: [['stepOut', 'any-after']] },
];

/** Runs one case; what differs from it, or nothing. */
export async function run(python: Python, test: Case): Promise<string | undefined> {
  const own = /^(work|tail|lastawait|fails|cancelled|child|anywork)-/.test(test.at);
  const session = await TestSession.launch({
    python,
    program: FILE,
    args: [test.scenario],
    breakpoints: [{ marker: test.at, ...(own ? { condition: 'MY()' } : {}) }],
  });
  try {
    let stop = await session.stopped();
    assert.equal(stop.line, marker(FILE, test.at), `stopped at the breakpoint @${test.at}`);
    await session.request('setBreakpoints', { source: { path: FILE }, breakpoints: [] });
    for (const [command, expected] of test.steps) {
      const from = stop.line;
      stop = await session.step(command, stop.threadId, 5_000);
      const wanted = ([] as string[]).concat(expected);
      const lines = wanted.map((name) => marker(FILE, name));
      if (!lines.includes(stop.line))
        return `${command} from line ${from} led to ${stop.name}:${stop.line}, not to ${wanted.join(' or ')} (${lines})`;
      const mine = await session.evaluate('MY()', stop.frames[0]!.id);
      if (/^(work|tail|lastawait|fails|anywork)-/.test(wanted[0]!) && mine !== 'True')
        return `${command} from line ${from} led to another task's ${stop.name}:${stop.line}`;
    }
    return undefined;
  } catch (error) {
    return `${error instanceof Error ? error.message : error}`;
  } finally {
    await session.end();
  }
}

for (const python of pythons()) {
  describe(`stepping on Python ${python.version}`, function () {
    this.timeout(30_000);
    it('a step begins at once, also with other threads', async () => {
      const session = await TestSession.launch({ python, program: program('threads.py'), breakpoints: ['stop'] });
      try {
        let { threadId } = await session.stopped();
        const times: number[] = [];
        for (let step = 0; step < 9; step++) {
          const began = performance.now();
          await session.request('next', { threadId });
          ({ threadId } = await session.event('stopped'));
          times.push(performance.now() - began);
        }
        // pydevd looks by itself five times a second only.
        const median = times.sort((a, b) => a - b)[4]!;
        assert.ok(median < 100, `${times.map((ms) => ms.toFixed(0)).join(', ')} ms`);
      } finally {
        await session.end();
      }
    });

    it('neither the stack nor a step of a task waits for a question to the probe', async () => {
      const session = await TestSession.launch({
        python,
        program: FILE,
        args: ['await_task'],
        breakpoints: [{ marker: 'work-first', condition: 'MY()' }],
      });
      try {
        const asked: string[] = [];
        const { probe } = session.adapter;
        const request = probe.request.bind(probe);
        probe.request = (method, ...rest) => {
          asked.push(method);
          return request(method, ...rest);
        };
        const first = await session.stopped();
        const second = await session.step('next', first.threadId);
        assert.equal(second.line, marker(FILE, 'work-await'));
        assert.ok(
          second.frames.some((frame) => frame.name === '── awaited by Task-1 main ──'),
          JSON.stringify(second.frames),
        );
        // Told, not asked; and what to stop at is told once, when the probe is there: that can be after the launch.
        const told = ['paused', 'resumed', 'stop.codes'];
        assert.deepEqual(
          asked.filter((method) => !told.includes(method)),
          [],
        );
        // What the probe adds to a stop is for the adapter.
        for (const { body } of [first, second]) assert.ok(!('asyncHealth' in body), JSON.stringify(body));
      } finally {
        await session.end();
      }
    });

    it('a step after "Jump to Cursor" stays with its task', async () => {
      const session = await TestSession.launch({
        python,
        program: FILE,
        args: ['await_task'],
        breakpoints: [{ marker: 'work-return', condition: 'MY()' }],
      });
      try {
        const { threadId } = await session.stopped();
        await session.setBreakpoints(FILE, []);
        const line = marker(FILE, 'work-first');
        const { targets } = await session.request('gotoTargets', { source: { path: FILE }, line });
        await session.request('goto', { threadId, targetId: targets[0].id });
        assert.equal((await session.stopped()).line, line);
        assert.equal((await session.step('next', threadId)).line, marker(FILE, 'work-await'));
        assert.equal((await session.step('next', threadId)).line, marker(FILE, 'work-after'));
        const out = await session.step('stepOut', threadId);
        assert.ok(
          ['parent-await', 'parent-after'].some((name) => marker(FILE, name) === out.line),
          `line ${out.line}`,
        );
      } finally {
        await session.end();
      }
    });

    for (const test of CASES) {
      if (test.since && minor(python.version) < minor(test.since)) continue;
      it(test.title, async () => {
        assert.equal(await run(python, test), undefined);
      });
    }
  });
}
