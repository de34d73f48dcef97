/** A whole session through the adapter against real debugpy: breakpoint, stop, look, continue, end, with the probe in. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

  describe('the probe comes in', () => {
    let home: string;
    before(function () {
      // The cache folder is under the home folder there, whatever the environment says.
      if (process.platform === 'darwin') this.skip();
    });
    beforeEach(() => {
      home = mkdtempSync(join(tmpdir(), 'async-health-cache-'));
    });
    afterEach(() => rmSync(home, { recursive: true, force: true }));

    const kept = () => readdirSync(join(home, 'async-health')).map((name) => join(home, 'async-health', name));

    /** Runs the program to its end, with the probe live. */
    async function run(): Promise<void> {
      const one = inProcess({ discovery: { python: PYTHON }, probeFolder: PROBE_FOLDER });
      const client = new DapTester(one);
      try {
        const statuses = new Set<string>();
        one.adapter.probe.onStatus(() => statuses.add(one.adapter.probe.status));
        const env = { XDG_CACHE_HOME: home, LOCALAPPDATA: home, PYTHONDONTWRITEBYTECODE: '' };
        await client.start('launch', { program: path, console: 'internalConsole', env });
        await client.event('terminated');
        assert.match(client.output('stdout'), /results \[0, 2, 4\]/);
        assert.ok(statuses.has('live'), `${[...statuses]}: ${one.adapter.probe.message}`);
      } finally {
        await client.stop();
      }
    }

    it('with its sources at first, and from the bytecode that the first program left after that', async () => {
      await run();
      const [file, ...others] = kept();
      assert.deepEqual(others, []);
      const first = readFileSync(file!);
      await run();
      assert.deepEqual(kept(), [file]);
      assert.ok(readFileSync(file!).equals(first), 'the second program compiled something again');
    });

    it('with its sources again when the bytecode is damaged', async () => {
      await run();
      const [file] = kept();
      const first = readFileSync(file!);
      writeFileSync(file!, first.subarray(0, first.length - 100));
      await run();
      assert.equal(readFileSync(file!).length, first.length);
    });

    it('where nothing can be kept', async () => {
      writeFileSync(join(home, 'async-health'), '');
      await run();
      assert.equal(readFileSync(join(home, 'async-health'), 'utf8'), '');
    });
  });
});
