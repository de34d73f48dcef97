/** What can go wrong around a session, against real debugpy: each is told with the next step, and nothing hangs or stays behind. */
import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AdapterOptions } from '../../src/adapter';
import { DapTester, inProcess } from './support/DapTester';
import { eventually, isAlive, marker, PROBE_FOLDER, PYTHON, program, temporaryFolder, within } from './support/environment';

interface Failure {
  success: boolean;
  message?: string;
  body?: { error?: { id: number; showUser?: boolean } };
}

describe('faults', () => {
  const open: DapTester[] = [];

  function session(configuration: Record<string, unknown>, options: Partial<AdapterOptions> = {}) {
    const endpoint = inProcess({ configuration, discovery: { python: PYTHON }, probeFolder: PROBE_FOLDER, ...options });
    const tester = new DapTester(endpoint);
    open.push(tester);
    return { tester, adapter: endpoint.adapter };
  }

  function launching(name: string, more: Record<string, unknown> = {}) {
    return { request: 'launch', program: program(name), console: 'internalConsole', ...more };
  }

  afterEach(async () => {
    await Promise.all(open.splice(0).map((tester) => tester.stop()));
  });

  /** pid of `forever.py` once it runs. */
  async function ready(tester: DapTester): Promise<number> {
    return tester.until(() => {
      const match = /ready (\d+)\s/.exec(tester.output('stdout'));
      return match ? Number(match[1]) : undefined;
    }, 'the program to be ready');
  }

  function assertTold(response: Failure, id: number, ...texts: RegExp[]): void {
    assert.equal(response.success, false);
    assert.equal(response.body?.error?.id, id);
    assert.equal(response.body?.error?.showUser, true);
    for (const text of texts) assert.match(response.message ?? '', text);
  }

  describe('before the program runs', () => {
    it('no Python anywhere: says what was looked at and what to do', async () => {
      const configuration = launching('tasks.py');
      const { tester } = session(configuration, { discovery: { workspaceFolder: temporaryFolder(), env: { PATH: '/nonexistent' } } });
      assertTold(await tester.start('launch', configuration), 9001, /No Python was found/, /Select Interpreter|Install Python/);
    });

    it('the configured Python is not there', async () => {
      const configuration = launching('tasks.py', { python: '/no/such/python' });
      const { tester } = session(configuration);
      assertTold(await tester.start('launch', configuration), 9001, /"\/no\/such\/python", which is not there/);
    });

    it('debugpy cannot be imported: says by which interpreter, and how to get it', async () => {
      const folder = temporaryFolder();
      const python = join(folder, 'python');
      // -S: without site-packages, as in a fresh environment.
      writeFileSync(python, `#!/bin/sh\nexec "${PYTHON}" -I -S "$@"\n`, { mode: 0o755 });
      const configuration = launching('tasks.py', { python });
      const { tester } = session(configuration, { discovery: {} });
      assertTold(await tester.start('launch', configuration), 9002, /debugpy can't be imported by .*python/, /pip install debugpy/);
    });

    it('debugAdapterPath without debugpy', async () => {
      const configuration = launching('tasks.py', { debugAdapterPath: temporaryFolder() });
      const { tester } = session(configuration);
      assertTold(await tester.start('launch', configuration), 9002, /"debugAdapterPath" is .* where there is no debugpy/);
    });

    it('the program is missing', async () => {
      const configuration = { request: 'launch', program: '/no/such/program.py', console: 'internalConsole' };
      const { tester } = session(configuration);
      assertTold(await tester.start('launch', configuration), 9005, /program "\/no\/such\/program.py" does not exist/, /Correct "program"/);
    });

    it('nothing to run, nothing to attach to', async () => {
      const launch = { request: 'launch' };
      assertTold(await session(launch).tester.start('launch', launch), 9006, /does not say what to run/);
      const attach = { request: 'attach' };
      assertTold(await session(attach).tester.start('attach', attach), 9006, /does not say what to attach to/);
    });

    it('nothing listens where to attach', async () => {
      const configuration = { request: 'attach', connect: { host: '127.0.0.1', port: 1 } };
      const { tester } = session(configuration);
      assertTold(
        await tester.start('attach', configuration),
        9004,
        /Can't connect to debugpy at 127\.0\.0\.1:1: nothing listens there/,
        /debugpy --listen/,
      );
    });

    it('a broken .env is read as far as it goes, and the session runs', async () => {
      const folder = temporaryFolder();
      mkdirSync(join(folder, 'is-a-folder.env'));
      const configuration = launching('tasks.py', { envFile: join(folder, 'is-a-folder.env') });
      const { tester } = session(configuration);
      assert.equal((await tester.start('launch', configuration)).success, true);
      await tester.event('terminated');
      assert.match(tester.output('stdout'), /done/);
    });
  });

  describe('in the program', () => {
    it('a syntax error: Python says it, the session ends with its exit code', async () => {
      const configuration = launching('broken_syntax.py');
      const { tester, adapter } = session(configuration);
      await tester.start('launch', configuration);
      const exited = await tester.event('exited');
      await tester.event('terminated');
      assert.equal(exited.body.exitCode, 1);
      assert.match(tester.output('stderr'), /SyntaxError/);
      assert.equal(adapter.session.state, 'ended');
      await eventually('the end of the probe', () => adapter.probe.status === 'ended', 2_000);
    });

    it('ends at once, without any clean-up', async () => {
      const configuration = launching('at_once.py');
      const { tester, adapter } = session(configuration);
      await tester.start('launch', configuration);
      assert.equal((await tester.event('exited')).body.exitCode, 5);
      await tester.event('terminated');
      assert.equal(adapter.session.exitCode, 5);
    });

    it('is killed by SIGKILL: the session ends, the model keeps what it knows', async () => {
      const configuration = launching('forever.py');
      const { tester, adapter } = session(configuration);
      await tester.start('launch', configuration);
      const pid = await ready(tester);
      await eventually('a live probe', () => adapter.probe.counters.batches > 1);
      process.kill(pid, 'SIGKILL');
      await within(10_000, 'the end', tester.event('terminated'));
      assert.equal(adapter.session.state, 'ended');
      await eventually('the end of the probe', () => adapter.probe.status === 'ended', 2_000);
      assert.equal((await tester.ask('disconnect', {})).success, true);
    });

    it('sends malformed and oversized rows: dropped, counted, and the session lives', async () => {
      const configuration = launching('garbage.py');
      const { tester, adapter } = session(configuration);
      const path = program('garbage.py');
      await tester.start('launch', configuration, () =>
        tester.request('setBreakpoints', { source: { path }, breakpoints: [{ line: marker(path, 'after') }] }),
      );
      const stopped = await tester.event('stopped');
      assert.ok(adapter.probe.counters.malformed >= 12, `${adapter.probe.counters.malformed} malformed parts were counted`);
      const { result } = await tester.request('evaluate', { expression: '6 * 7', context: 'watch' });
      assert.equal(result, '42');
      await tester.request('continue', { threadId: stopped.body.threadId });
      await tester.event('terminated');
      assert.match(tester.output('stdout'), /still here/);
      assert.equal(tester.events('asyncHealth').length, 0);
    });
  });

  describe('the probe', () => {
    it('does not get in in time: the session goes on as plain debugpy and says why', async () => {
      const folder = temporaryFolder();
      symlinkSync(join(PROBE_FOLDER, '__init__.py'), join(folder, '__init__.py'));
      writeFileSync(join(folder, '_ah_loader.py'), 'import time\ntime.sleep(2)\n');
      const configuration = launching('tasks.py', { asyncHealth: { injectTimeoutMs: 200 } });
      const { tester, adapter } = session(configuration, { probeFolder: folder });
      const path = program('tasks.py');
      await tester.start('launch', configuration, () =>
        tester.request('setBreakpoints', { source: { path }, breakpoints: [{ line: marker(path, 'end') }] }),
      );
      const stopped = await tester.event('stopped');
      assert.equal(adapter.probe.status, 'failed');
      assert.match(adapter.probe.message ?? '', /within 200 ms.*goes on without it.*injectTimeoutMs/);
      await tester.request('continue', { threadId: stopped.body.threadId });
      await tester.event('terminated');
    });

    it('fails inside: the session goes on as plain debugpy and says why', async () => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, '_ah_loader.py'), 'raise RuntimeError("probe on fire")\n');
      const configuration = launching('tasks.py');
      const { tester, adapter } = session(configuration, { probeFolder: folder });
      await tester.start('launch', configuration);
      await tester.event('terminated');
      assert.match(tester.output('stdout'), /results \[0, 2, 4\]/);
      assert.equal(adapter.probe.status, 'failed');
      assert.match(adapter.probe.message ?? '', /probe on fire.*goes on without it/);
    });

    it('is not there: the session goes on as plain debugpy', async () => {
      const configuration = launching('tasks.py');
      const { tester, adapter } = session(configuration, { probeFolder: '/no/such/folder' });
      const messages: string[] = [];
      adapter.probe.onStatus(() => messages.push(`${adapter.probe.status}: ${adapter.probe.message}`));
      await tester.start('launch', configuration);
      await tester.event('terminated');
      assert.ok(
        messages.some((text) => /^failed: .*reinstall the extension/.test(text)),
        messages.join('\n'),
      );
      assert.match(tester.output('stdout'), /done/);
    });

    it('is switched off, or there is no debugger to carry it', async () => {
      const off = launching('tasks.py', { asyncHealth: { probe: false } });
      const first = session(off);
      await first.tester.start('launch', off);
      await first.tester.event('terminated');
      const noDebug = launching('tasks.py', { noDebug: true });
      const second = session(noDebug);
      const statuses: string[] = [];
      second.adapter.probe.onStatus(() => statuses.push(`${second.adapter.probe.status} ${second.adapter.probe.message}`));
      await second.tester.start('launch', noDebug);
      await second.tester.event('terminated');
      assert.match(second.tester.output('stdout'), /done/);
      assert.match(statuses[0]!, /^off Running without debugging/);
      assert.equal(first.adapter.probe.counters.batches + second.adapter.probe.counters.batches, 0);
    });
  });

  describe('the other side', () => {
    it("debugpy's adapter dies: the client is told, and the session is over", async () => {
      const configuration = launching('forever.py');
      const { tester, adapter } = session(configuration);
      await tester.start('launch', configuration);
      const program = await ready(tester);
      const server = (adapter as unknown as { server: { pid: number } }).server;
      process.kill(server.pid, 'SIGKILL');
      await within(10_000, 'the end', tester.event('terminated'));
      const told = tester.events('output').find((event) => /debugpy adapter .* was ended by SIGKILL/.test(event.body.output));
      assert.ok(told, 'the client is told what happened');
      assert.match(told.body.output, /Start the session again/);
      assert.equal((await tester.ask('threads')).success, false, 'a later request fails instead of hanging');
      assert.equal((await tester.ask('disconnect', {})).success, true);
      await eventually('the program has ended', () => !isAlive(program));
    });

    it('a request that is open when debugpy dies is answered', async () => {
      const configuration = launching('forever.py');
      const { tester, adapter } = session(configuration);
      await tester.start('launch', configuration);
      await ready(tester);
      const slow = tester.ask('evaluate', { expression: '__import__("time").sleep(30)', context: 'watch' });
      await new Promise((resolve) => setTimeout(resolve, 200));
      process.kill((adapter as unknown as { server: { pid: number } }).server.pid, 'SIGKILL');
      const response = await within(5_000, 'the answer', slow);
      assert.equal(response.success, false);
      assert.match(response.message ?? '', /debugpy adapter/);
    });

    const moments: [string, (tester: DapTester, configuration: Record<string, unknown>) => Promise<unknown>][] = [
      ['before anything', async () => {}],
      ['after initialize', (tester) => tester.request('initialize', { adapterID: 'python-async' })],
      [
        'with the launch open',
        async (tester, configuration) => {
          await tester.request('initialize', { adapterID: 'python-async' });
          void tester.ask('launch', configuration).catch(() => {});
        },
      ],
      [
        'between initialized and configurationDone',
        async (tester, configuration) => {
          await tester.request('initialize', { adapterID: 'python-async' });
          void tester.ask('launch', configuration).catch(() => {});
          await tester.event('initialized');
        },
      ],
      ['while the program runs', async (tester, configuration) => tester.start('launch', configuration).then(() => ready(tester))],
      [
        'while it stands at a breakpoint',
        async (tester, configuration) => {
          const path = program('forever.py');
          await tester.start('launch', configuration, () =>
            tester.request('setBreakpoints', { source: { path }, breakpoints: [{ line: marker(path, 'tick') }] }),
          );
          await tester.event('stopped');
        },
      ],
    ];
    for (const [moment, arrive] of moments) {
      it(`the client disconnects ${moment}: answered within VS Code's 2 s, nothing stays behind`, async () => {
        const configuration = launching('forever.py');
        const { tester, adapter } = session(configuration);
        await arrive(tester, configuration);
        const pids = [adapter.session.pid, (adapter as unknown as { server?: { pid: number } }).server?.pid].filter(
          (pid) => pid !== undefined,
        );
        await within(2_000, 'disconnect', tester.ask('disconnect', { terminateDebuggee: true }));
        await tester.dispose();
        for (const pid of pids) await eventually(`process ${pid} has ended`, () => !isAlive(pid));
        assert.equal(adapter.session.state, 'ended');
      });

      it(`the client vanishes ${moment}: nothing stays behind`, async () => {
        const configuration = launching('forever.py');
        const { tester, adapter } = session(configuration);
        await arrive(tester, configuration);
        const pids = [adapter.session.pid, (adapter as unknown as { server?: { pid: number } }).server?.pid].filter(
          (pid) => pid !== undefined,
        );
        await within(8_000, 'dispose', tester.dispose());
        for (const pid of pids) await eventually(`process ${pid} has ended`, () => !isAlive(pid));
      });
    }
  });

  it('two sessions at once do not touch each other', async () => {
    const configuration = launching('forever.py');
    const [first, second] = [session(configuration), session(configuration)];
    await Promise.all([first, second].map(({ tester }) => tester.start('launch', configuration)));
    const pids = await Promise.all([first, second].map(({ tester }) => ready(tester)));
    await eventually('both probes live', () => [first, second].every(({ adapter }) => adapter.probe.counters.batches > 1));
    assert.deepEqual([first.adapter.probe.pid, second.adapter.probe.pid], pids);
    await first.adapter.remote.debugSession('only here').setBreakpoint(program('forever.py'), marker(program('forever.py'), 'tick'));
    await first.tester.event('stopped');
    assert.equal(second.adapter.remote.listSessions().length, 0);
    assert.equal(second.tester.events('stopped').length, 0);
    process.kill(pids[0]!, 'SIGKILL');
    await first.tester.event('terminated');
    const { result } = await second.tester.request('evaluate', { expression: '1 + 1', context: 'watch' });
    assert.equal(result, '2');
    assert.equal(second.adapter.session.state, 'running');
  });
});
