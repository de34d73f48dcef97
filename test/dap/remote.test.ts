/** RemoteDebugger, DebugSession, DebugClient by themselves: no editor, no adapter, real debugpy. */
import assert from 'node:assert/strict';
import {
  ConnectionClosed,
  DebugClient,
  DebugpyServer,
  type DebugSession,
  RemoteDebugger,
  type RequestFailed,
  RequestTimeout,
} from '../../src/adapter';
import { eventually, marker, PYTHON, program, within } from './support/environment';

describe('RemoteDebugger', () => {
  const path = program('forever.py');
  const line = marker(path, 'tick');
  let server: DebugpyServer;
  let client: DebugClient;
  let remote: RemoteDebugger;

  beforeEach(async () => {
    server = DebugpyServer.start({ python: [PYTHON] });
    client = new DebugClient(server.connection);
    remote = new RemoteDebugger();
    remote.bind(client);
    await client.request('initialize', { adapterID: 'test', pathFormat: 'path' });
    const initialized = client.waitForEvent('initialized', 20_000);
    const launched = client.request('launch', { program: path, console: 'internalConsole' });
    await initialized;
    await client.request('configurationDone');
    await launched;
  });
  afterEach(async () => {
    await remote.dispose();
    await client.request('disconnect', { terminateDebuggee: true }, { timeoutMs: 5_000 }).catch(() => {});
    await server.dispose();
  });

  const stop = () => client.waitForEvent('stopped', 10_000);

  it('sets a breakpoint, looks, goes on, removes it', async () => {
    const stopped = stop();
    const breakpoint = await remote.setBreakpoint(path, line, { condition: "name == 'b'" });
    assert.equal(breakpoint.verified, true);
    await stopped;
    const frames = await remote.getStackTrace();
    assert.equal(frames[0]!.line, line);
    assert.equal((await remote.evaluateExpression('name', { frameId: frames[0]!.id })).result, "'b'");
    await assert.rejects(remote.evaluateExpression('nope', { frameId: frames[0]!.id }), (error: RequestFailed) =>
      /NameError/.test(error.message),
    );
    assert.equal(await remote.removeBreakpoint(breakpoint.id), true);
    assert.equal(await remote.removeBreakpoint(breakpoint.id), false);
    let more = 0;
    remote.registerEventHandler('stopped', () => {
      more += 1;
    });
    await remote.continueExecution();
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.equal(more, 0, 'it does not stop any more');
    const paused = stop();
    await remote.pause();
    await paused;
  });

  it('hit counts and log points', async () => {
    const output = client.waitForEvent('output', 10_000, (event) => /tick of [ab]/.test(event.body.output));
    const log = await remote.setBreakpoint(path, line, { logMessage: 'tick of {name}' });
    await output;
    await remote.removeBreakpoint(log.id);
    const stopped = stop();
    await remote.setBreakpoint(path, line, { hitCount: 3 });
    await stopped;
  });

  it('a session is a scope: result and failure come through unchanged, what it set is gone afterwards', async () => {
    const result = await remote.debugSession('good', 'id-1', { order: 7 }).run(async (session) => {
      assert.equal(session.active, true);
      const stopped = stop();
      await session.setBreakpoint(path, line);
      await stopped;
      return 42;
    });
    assert.equal(result, 42);
    const info = remote.getSessionInfo('id-1')!;
    assert.deepEqual([info.name, info.active, info.breakpoints, info.failures, info.metadata], ['good', false, [], [], { order: 7 }]);
    assert.deepEqual(
      info.events.map(({ type }) => type),
      ['started', 'breakpoint-set', 'ended'],
    );
    const error = new Error('mine');
    await assert.rejects(
      remote.debugSession('bad', 'id-2').run(async (session) => {
        await session.setBreakpoint(path, line);
        throw error;
      }),
      (thrown) => thrown === error,
    );
    assert.deepEqual(remote.getSessionInfo('id-2')!.failures, ['mine']);
    assert.deepEqual(remote.getSessionInfo('id-1')!.failures, [], "a sibling's failure is not its own");
    await remote.continueExecution();
    const none = await Promise.race([stop().catch(() => 'none'), new Promise((resolve) => setTimeout(() => resolve('none'), 500))]);
    assert.equal(none, 'none', 'both breakpoints are gone');
  });

  it('`await using` closes it', async () => {
    let kept: DebugSession;
    {
      await using session = remote.debugSession('scoped');
      kept = session;
      await session.setBreakpoint(path, line, { condition: 'False' });
      assert.equal(remote.listSessions().length, 1);
    }
    assert.equal(kept.active, false);
    assert.equal(remote.listSessions().length, 0);
    assert.equal(remote.listSessions(true).length, 1);
    await assert.rejects(kept.setBreakpoint(path, line), /has ended.*Open a new one/);
  });

  it('many sessions on one line at once: each has its own, closing one leaves the others', async () => {
    const sessions = Array.from({ length: 30 }, (_, n) => remote.debugSession(`s${n}`));
    await Promise.all(sessions.map((session) => session.setBreakpoint(path, line, { condition: 'False' })));
    assert.equal(new Set(sessions.map(({ breakpoints }) => breakpoints[0]!.id)).size, 30);
    await sessions[0]!.close();
    await assert.rejects(sessions[1]!.removeBreakpoint(sessions[2]!.breakpoints[0]!.id), /does not belong to session/);
    assert.equal(sessions[2]!.breakpoints.length, 1);
    await remote.closeAllSessions();
    assert.equal(remote.listSessions().length, 0);
    assert.throws(() => {
      remote.debugSession('again', 'same');
      remote.debugSession('again', 'same');
    }, /active session with id "same"/);
  });

  it('a clean-up that fails is recorded and does not stop the others', async () => {
    const session = remote.debugSession('messy');
    const done: string[] = [];
    session.onClose(() => done.push('first registered'));
    session.onClose(() => {
      throw new Error('spilled');
    });
    await session.close();
    assert.deepEqual(done, ['first registered']);
    assert.deepEqual(session.failures, ['spilled']);
  });

  it('event handlers: by type or all, a failing one does not disturb the others', async () => {
    const seen: string[] = [];
    remote.registerEventHandler('stopped', () => {
      throw new Error('bad handler');
    });
    const off = remote.registerEventHandler('*', (event) => void seen.push(event.event));
    const stopped = stop();
    await remote.setBreakpoint(path, line);
    await stopped;
    assert.ok(seen.includes('stopped'));
    off();
    const before = seen.length;
    const again = stop();
    await remote.continueExecution();
    await again;
    assert.equal(seen.length, before);
    assert.ok(remote.getStatistics().errors >= 1, 'the failure is counted');
  });

  it('statistics count what was done', async () => {
    const before = remote.getStatistics();
    for (let n = 0; n < 5; n++) await remote.evaluateExpression('1');
    const after = remote.getStatistics();
    assert.equal(after.requests - before.requests, 5);
    assert.ok(after.meanRoundTripMs > 0);
  });

  it('a request can be given up, by time or by signal; the connection stays usable', async () => {
    const slow = { expression: '__import__("time").sleep(1)' };
    await assert.rejects(client.request('evaluate', slow, { timeoutMs: 50 }), RequestTimeout);
    const controller = new AbortController();
    const aborted = client.request('evaluate', slow, { signal: controller.signal });
    controller.abort(new Error('enough'));
    await assert.rejects(aborted, /enough/);
    assert.equal((await within(10_000, 'evaluate', remote.evaluateExpression('2 + 2'))).result, '4');
  });

  it('the end of the connection rejects what is open, and closes sessions quietly', async () => {
    const session = remote.debugSession('cut off');
    await session.setBreakpoint(path, line, { condition: 'False' });
    const open = client.request('evaluate', { expression: '__import__("time").sleep(20)' });
    process.kill(server.pid!, 'SIGKILL');
    await assert.rejects(open, ConnectionClosed);
    await session.close();
    assert.deepEqual(session.failures, []);
    await eventually('closed', () => !remote.isConnected);
    await assert.rejects(remote.evaluateExpression('1'), ConnectionClosed);
  });

  it('wrong use is told', async () => {
    await assert.rejects(remote.setBreakpoint(path, 0), /line must be 1 or more, not 0/);
    await assert.rejects(new RemoteDebugger().pause(), /Not connected to a debuggee/);
    assert.equal(remote.getSessionInfo('never'), undefined);
  });
});
