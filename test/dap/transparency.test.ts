/** Message by message: the same requests to stock debugpy and through the adapter give the same answers and the same events in the same order. */
import assert from 'node:assert/strict';
import { command, DapTester, type Endpoint, INITIALIZE } from './support/DapTester';
import { CLI, marker, PYTHON, program } from './support/environment';
import { compare, split, transcript } from './support/transcript';

const path = program('plain.py');
const source = { path, name: 'plain.py' };

/** The story: everything that debugpy can do with a program without tasks, well-formed and not. */
async function story(client: DapTester, extra: Record<string, unknown>): Promise<void> {
  await client.event('debugpySockets'); // debugpy speaks first
  await client.ask('threads'); // too early
  await client.ask('initialize', INITIALIZE);
  await client.ask('initialize', INITIALIZE); // again
  const launched = client.ask('launch', {
    program: path,
    args: ['one', 'two words'],
    cwd: process.cwd(),
    console: 'internalConsole',
    redirectOutput: true,
    python: PYTHON,
    unknownKey: { kept: true },
    ...extra,
  });
  await client.event('initialized');
  const lines = (...names: string[]) => names.map((name) => ({ line: marker(path, name) }));
  await client.ask('setBreakpoints', { source, breakpoints: lines('call', 'caught'), lines: [1] });
  await client.ask('setBreakpoints', {
    source,
    breakpoints: [
      ...lines('call', 'caught'),
      { line: marker(path, 'loop'), condition: 'i == 3' },
      { line: marker(path, 'loop') + 1, hitCondition: '>= 1', logMessage: 'total is {total}' },
      { line: 9_999 },
    ],
  });
  await client.ask('setFunctionBreakpoints', { breakpoints: [{ name: 'nothing.of.that.name' }] });
  await client.ask('setExceptionBreakpoints', { filters: ['raised', 'uncaught'] });
  await client.ask('configurationDone', null);
  await launched;

  let from = client.received.length;
  const stopped = () => client.event('stopped', () => true, Math.max(0, from - 3));
  const resume = async (request: string, args: Record<string, unknown>) => {
    from = client.received.length + 1;
    await client.ask(request, args);
    return client.event('stopped', () => true, from - 1);
  };
  const first = await stopped();
  const { threadId } = first.body;
  await client.ask('threads');
  const { stackFrames } = (await client.ask('stackTrace', { threadId, startFrame: 0, levels: 1 })).body;
  await client.ask('stackTrace', { threadId, startFrame: 1, levels: 20, format: { parameters: true, line: true } });
  await client.ask('stackTrace', { threadId });
  const frameId = stackFrames[0].id;
  const { scopes } = (await client.ask('scopes', { frameId })).body;
  const locals = (await client.ask('variables', { variablesReference: scopes[0].variablesReference })).body.variables;
  const names = locals.find((v: { name: string }) => v.name === 'names');
  await client.ask('variables', { variablesReference: names.variablesReference, start: 0, count: 1 });
  await client.ask('setVariable', { variablesReference: scopes[0].variablesReference, name: 'names', value: '{"changed": 1}' });
  await client.ask('setVariable', { variablesReference: scopes[0].variablesReference, name: 'names', value: 'no such name' });
  await client.ask('setExpression', { expression: 'point.y', value: '77', frameId });
  for (const context of ['hover', 'watch', 'repl', 'clipboard', 'variables'])
    await client.ask('evaluate', { expression: 'point.y + 1', frameId, context });
  await client.ask('evaluate', { expression: 'undefined_name', frameId, context: 'watch' });
  await client.ask('evaluate', { expression: 'import json; spare = json.dumps([1])', frameId, context: 'repl' });
  await client.ask('evaluate', { expression: '1 +', frameId, context: 'hover' });
  await client.ask('evaluate', { expression: '21 * 2' });
  await client.ask('completions', { text: 'point.', column: 7, frameId });
  await client.ask('stepInTargets', { frameId });
  await client.ask('gotoTargets', { source, line: marker(path, 'call') });
  await client.ask('modules', { startModule: 0, moduleCount: 5 });
  await client.ask('source', { source, sourceReference: 0 });
  await client.ask('exceptionInfo', { threadId });
  await client.ask('debugpySystemInfo');
  await client.ask('noSuchRequest', { a: 1 });
  await client.ask('variables', { variablesReference: 123_456_789 });
  await client.ask('scopes', { frameId: 123_456_789 });
  await client.ask('stackTrace', { threadId: 123_456 });
  await client.ask('evaluate', { frameId });
  await resume('stepIn', { threadId });
  await resume('stepOut', { threadId });
  await resume('next', { threadId });
  await client.ask('stackTrace', { threadId, startFrame: 0, levels: 1 });
  await resume('continue', { threadId }); // loop, i == 3
  await client.ask('setBreakpoints', { source, breakpoints: lines('caught') });
  await resume('continue', { threadId }); // raised
  await client.ask('exceptionInfo', { threadId });
  await client.ask('setExceptionBreakpoints', { filters: [] });
  await resume('continue', { threadId }); // caught
  await client.ask('continue', { threadId });
  await client.event('terminated');
  await client.ask('disconnect', { restart: false });
  await client.event('debugpySockets', () => true, client.received.length - 1); // its last words
}

async function play(endpoint: Endpoint, extra: Record<string, unknown> = {}) {
  const client = new DapTester(endpoint);
  try {
    await story(client, extra);
    return split(transcript(client.received));
  } finally {
    await client.dispose();
  }
}

describe('transparency', () => {
  const stock = ['-m', 'debugpy.adapter'];
  const through = (...args: string[]) => command(process.execPath, [CLI, 'dap', ...args]);

  it('is complete without the probe, over stdio with a given debugpy adapter', async () => {
    const expected = await play(command(PYTHON, stock), { asyncHealth: { probe: false } });
    const actual = await play(through('--upstream-exec', PYTHON, ...stock), { asyncHealth: { probe: false } });
    assert.ok(expected.lines.length > 80, `${expected.lines.length} messages were compared`);
    compare(actual, expected);
  });

  it('is complete with the probe in, for a program without tasks', async () => {
    const expected = await play(command(PYTHON, stock));
    const actual = await play(through('--python', PYTHON));
    compare(actual, expected);
  });
});
