/**
 * Message by message once more, for a program with tasks. What the adapter adds there on purpose (tasks among the threads, the tasks that
 * await among the frames) is taken out first, and must be additions only; everything else is debugpy's to the letter.
 */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { command, DapTester, type Endpoint, INITIALIZE } from './support/DapTester';
import { CLI, marker, PYTHON, program } from './support/environment';
import { compare, split, transcript } from './support/transcript';

const path = program('gathering.py');
const source = { path, name: 'gathering.py' };
const line = (tag: string) => marker(path, tag);

class Story {
  constructor(readonly client: DapTester) {}

  async begin(breakpoints: DebugProtocol.SourceBreakpoint[], filters: string[]): Promise<void> {
    const { client } = this;
    await client.event('debugpySockets');
    await client.ask('initialize', INITIALIZE);
    const launched = client.ask('launch', {
      program: path,
      cwd: process.cwd(),
      console: 'internalConsole',
      redirectOutput: true,
      python: PYTHON,
    });
    await client.event('initialized');
    await client.ask('setBreakpoints', { source, breakpoints });
    await client.ask('setExceptionBreakpoints', { filters });
    await client.ask('configurationDone', null);
    await launched;
  }

  /** The next stop, after a request when one is given. */
  async stop(request?: string, args?: Record<string, unknown>): Promise<number> {
    const from = request ? this.client.received.length : 0;
    if (request) await this.client.ask(request, args);
    return (await this.client.event('stopped', () => true, from)).body.threadId;
  }

  /** Threads, stack, scopes and locals of a stop; the leaf's frame and its locals. */
  async look(threadId: number): Promise<{ frameId: number; locals: number }> {
    const { client } = this;
    await client.ask('threads');
    const { stackFrames } = (await client.ask('stackTrace', { threadId })).body;
    const frameId = stackFrames[0].id;
    const { scopes } = (await client.ask('scopes', { frameId })).body;
    const locals = scopes[0].variablesReference;
    await client.ask('variables', { variablesReference: locals });
    return { frameId, locals };
  }

  /** debugpy leaves some requests without an answer; that is an answer as well, the same on both sides. */
  async asksInVain(request: string, args?: Record<string, unknown>): Promise<void> {
    const answered = await this.client.ask(request, args, 1_500).then(
      () => true,
      () => false,
    );
    this.unanswered.push([request, answered]);
  }
  readonly unanswered: [string, boolean][] = [];

  async end(): Promise<void> {
    await this.client.event('terminated');
    await this.client.ask('disconnect', { restart: false });
    await this.client.event('debugpySockets', () => true, this.client.received.length - 1);
  }
}

const STORIES: Record<string, (story: Story) => Promise<void>> = {
  'stops in tasks, conditions, hit counts, log points, values, errors, stale ids, an uncaught exception': async (story) => {
    const { client } = story;
    await story.begin(
      [
        { line: line('child'), condition: 'n == 1' },
        { line: line('sum'), logMessage: 'results are {results}' },
        { line: line('loop'), hitCondition: '3' },
        { line: line('loop') + 1, condition: 'no such name' },
      ],
      ['uncaught'],
    );
    const threadId = await story.stop();
    const { frameId, locals } = await story.look(threadId);
    await client.ask('setVariable', { variablesReference: locals, name: 'n', value: '11' });
    await client.ask('setVariable', { variablesReference: locals, name: 'n', value: 'no such name' });
    await client.ask('setVariable', { variablesReference: locals, name: 'missing', value: '1' });
    await client.ask('setExpression', { expression: 'n', value: '12', frameId });
    await client.ask('setExpression', { expression: 'n +', value: '12', frameId });
    for (const context of ['hover', 'watch', 'repl', 'clipboard']) {
      await client.ask('evaluate', { expression: 'n + 1', frameId, context });
      await client.ask('evaluate', { expression: 'missing', frameId, context });
      await client.ask('evaluate', { expression: 'n +', frameId, context });
    }
    await client.ask('completions', { text: 'n', column: 2, frameId });
    await client.ask('exceptionInfo', { threadId });
    await story.stop('next', { threadId });
    await story.look(threadId);
    await story.stop('continue', { threadId }); // the loop, third time
    await story.look(threadId);
    // Of the first stop.
    await client.ask('scopes', { frameId });
    await client.ask('variables', { variablesReference: locals });
    await client.ask('evaluate', { expression: 'n', frameId, context: 'watch' });
    await client.ask('setVariable', { variablesReference: locals, name: 'n', value: '1' });
    await client.ask('stackTrace', { threadId: threadId + 77 });
    const at = await story.stop('continue', { threadId }); // nobody catches it
    await client.ask('exceptionInfo', { threadId: at });
    await story.look(at);
    await client.ask('continue', { threadId: at });
    await story.end();
  },

  'goto, function breakpoints': async (story) => {
    const { client } = story;
    await story.begin([{ line: line('sum') }], []);
    const threadId = await story.stop();
    // At the stop: while the program runs, its events come at any place around the answer.
    await client.ask('setFunctionBreakpoints', { breakpoints: [{ name: 'fails' }] });
    await story.look(threadId);
    const targets = (await client.ask('gotoTargets', { source, line: line('sum') + 1 })).body.targets;
    await story.stop('goto', { threadId, targetId: targets[0].id });
    await story.look(threadId);
    await client.ask('goto', { threadId, targetId: 99_999 });
    await client.ask('continue', { threadId });
    await story.end();
  },

  'terminate at a stop': async (story) => {
    await story.begin([{ line: line('child') }], []);
    await story.look(await story.stop());
    await story.client.ask('terminate');
    await story.end();
  },
};

/** Requests that debugpy may not know; after one that it leaves open it answers nothing more. */
for (const request of ['restartFrame', 'restart']) {
  STORIES[`${request} at a stop`] = async (story) => {
    await story.begin([{ line: line('sum') }], []);
    const threadId = await story.stop();
    const { frameId } = await story.look(threadId);
    const pid = (await story.client.event('process')).body.systemProcessId;
    await story.asksInVain(request, request === 'restart' ? undefined : { threadId, frameId });
    process.kill(pid, 'SIGKILL'); // a debugpy that does not answer any more would leave it behind
  };
}

/** Takes the adapter's own additions out. */
function withoutTasks(messages: DebugProtocol.ProtocolMessage[]): DebugProtocol.ProtocolMessage[] {
  return messages.flatMap((message) => {
    const { command: name, body, success } = message as DebugProtocol.Response;
    if (name === 'threads' && success) {
      const threads = (body as DebugProtocol.ThreadsResponse['body']).threads
        .filter(({ id }) => id < 1_000_000_000)
        .map((thread) => ({ ...thread, name: thread.name.split(' · ').pop()! }));
      return [{ ...message, body: { threads } } as DebugProtocol.Response];
    }
    if (name === 'stackTrace' && success) {
      const { stackFrames, totalFrames } = body as DebugProtocol.StackTraceResponse['body'];
      assert.equal(totalFrames, stackFrames.length, 'totalFrames is exact');
      // From the first label on: the frames of who awaits. The stack's own root is debugpy's again.
      const label = stackFrames.findIndex(({ presentationHint }) => presentationHint === 'label');
      const kept =
        label < 0 ? stackFrames : [...stackFrames.slice(0, label), ...stackFrames.filter(({ name: frame }) => frame === '<module>')];
      // Apart from the ids of breakpoints and threads, which have small numbers as well.
      const frames = kept.map((frame) => ({ ...frame, id: frame.id + 1_000_000 }));
      return [{ ...message, body: { stackFrames: frames, totalFrames: frames.length } } as DebugProtocol.Response];
    }
    const event = message as DebugProtocol.Event;
    if (event.event === 'thread' && event.body.threadId >= 1_000_000_000) return [];
    return [message];
  });
}

async function play(endpoint: Endpoint, tell: (story: Story) => Promise<void>) {
  const client = new DapTester(endpoint);
  const story = new Story(client);
  try {
    await tell(story);
    // debugpy tells of modules when it first shows a frame of them: with the answer to a `stackTrace`, before or after it.
    const isModule = (one: unknown) => (one as DebugProtocol.Event).event === 'module';
    const { lines, output } = split(transcript(withoutTasks(client.received).filter((one) => !isModule(one))));
    return {
      lines,
      modules: client.received.filter(isModule).map((one) => (one as DebugProtocol.ModuleEvent).body.module.name),
      // A log point's text and the program's own come by different ways.
      output: Object.fromEntries(Object.entries(output).map(([category, text]) => [category, text.split('\n').sort().join('\n')])),
      unanswered: story.unanswered,
    };
  } finally {
    await client.dispose();
  }
}

describe('transparency with tasks', () => {
  for (const [title, tell] of Object.entries(STORIES)) {
    it(title, async () => {
      const expected = await play(command(PYTHON, ['-m', 'debugpy.adapter']), tell);
      const actual = await play(command(process.execPath, [CLI, 'dap', '--python', PYTHON]), tell);
      compare(actual, expected);
      assert.deepEqual(actual.modules.sort(), expected.modules.sort());
      assert.deepEqual(actual.unanswered, expected.unanswered);
    });
  }
});
