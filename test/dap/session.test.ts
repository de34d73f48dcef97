/** A whole session through the adapter against real debugpy: breakpoint, stop, look, continue, end, with the probe in. */
import assert from 'node:assert/strict';
import { DapTester, inProcess } from './support/DapTester';
import { marker, PROBE_FOLDER, PYTHON, program } from './support/environment';

describe('a session through the adapter', () => {
  const path = program('tasks.py');
  let tester: DapTester;
  let endpoint: ReturnType<typeof inProcess>;

  beforeEach(() => {
    endpoint = inProcess({ discovery: { python: PYTHON }, probeFolder: PROBE_FOLDER });
    tester = new DapTester(endpoint);
  });
  afterEach(() => tester.stop());

  it('stops at a breakpoint with the probe live, shows variables, and runs to the end', async () => {
    const batches: number[] = [];
    endpoint.adapter.probe.onBatch((batch) => batches.push(batch.seq));
    const launched = await tester.start('launch', { program: path, console: 'internalConsole' }, () =>
      tester.request('setBreakpoints', { source: { path }, breakpoints: [{ line: marker(path, 'child'), condition: 'n == 1' }] }),
    );
    assert.equal(launched.success, true, JSON.stringify(launched));
    const stopped = await tester.event('stopped');
    assert.equal(stopped.body.reason, 'breakpoint');
    assert.equal(endpoint.adapter.session.state, 'paused');
    const { stackFrames } = await tester.request('stackTrace', { threadId: stopped.body.threadId });
    assert.equal(stackFrames[0].name.split('.').pop(), 'child');
    const { scopes } = await tester.request('scopes', { frameId: stackFrames[0].id });
    const { variables } = await tester.request('variables', { variablesReference: scopes[0].variablesReference });
    assert.ok(variables.some((v: { name: string; value: string }) => v.name === 'n' && v.value === '1'));
    await tester.until(() => (endpoint.adapter.probe.status === 'live' ? true : undefined), 'a live probe');
    await endpoint.adapter.probe.request('ping');
    assert.equal(endpoint.adapter.session.state, 'paused', 'the probe answers while the program stands still');
    await tester.request('continue', { threadId: stopped.body.threadId });
    const exited = await tester.event('exited');
    assert.equal(exited.body.exitCode, 0);
    await tester.event('terminated');
    assert.match(tester.output('stdout'), /results \[0, 2, 4\]/);
    assert.match(tester.output('stderr'), /to stderr/);
    assert.equal(tester.events('asyncHealth').length, 0, 'probe events never reach the client');
    assert.ok(batches.length > 0, 'batches arrived');
    assert.equal(endpoint.adapter.session.exitCode, 0);
  });

  it("the program's own generate_report() gives the debugger's report", async () => {
    const launched = await tester.start('launch', { program: program('report.py'), console: 'internalConsole' });
    assert.equal(launched.success, true, JSON.stringify(launched));
    await tester.event('terminated');
    assert.match(tester.output('stdout'), /version 1 tasks 2/);
    assert.match(tester.output('stdout'), /<!doctype html>/);
    assert.match(tester.output('stdout'), /waits acquire waits True 1/);
    assert.match(tester.output('stdout'), /long \['main', 'waits'\] 1/);
    assert.match(tester.output('stdout'), /Tasks: +2 created[\s\S]*operations: 0 started[\s\S]*tracked scopes: 0 entered/, 'print_summary');
    assert.equal(tester.output('stderr'), '');
  });
});
