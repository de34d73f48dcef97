/** RemoteDebugger from inside VS Code, as another extension would use it: the whole of its interface on one running program. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { SessionInfo } from '../../src/adapter/remote/DebugSession';
import { events, extension, fileIn, LIBRARIES, live, marker, output, remoteOf, reset, start, stopped, until } from './support';

describe("the extension's RemoteDebugger", () => {
  afterEach(reset);

  for (const library of LIBRARIES) {
    it(`${library}: sets breakpoints, looks, pauses, goes on, tells of events, and cleans up`, async () => {
      const file = fileIn('ticking.py');
      const entry = await start({ program: file, args: [library] });
      await live(entry);
      await until('the program', () => /ready/.test(output(entry)));
      const api = await extension();
      const remote = await remoteOf(entry);
      assert.equal(api.remoteDebugger(), remote, 'the active session is the default');
      const gutter = vscode.debug.breakpoints.length;
      const seen: string[] = [];
      const off = remote.registerEventHandler('*', ({ event }) => void seen.push(event));
      remote.registerEventHandler('stopped', () => {
        throw new Error('a handler that fails');
      });

      const breakpoint = await remote.setBreakpoint(file, marker('ticking.py', 'tick'), { condition: 'number == 1' });
      assert.deepEqual([breakpoint.verified, breakpoint.line], [true, marker('ticking.py', 'tick')]);
      await stopped(entry);
      const frames = await remote.getStackTrace();
      assert.equal(frames[0]?.name, 'ticker');
      assert.equal((await remote.evaluateExpression('number + 1', { frameId: frames[0]!.id })).result, '2');
      await assert.rejects(remote.evaluateExpression('nothing', { frameId: frames[0]!.id }), /NameError/);
      assert.equal(await remote.removeBreakpoint(breakpoint.id), true);
      await remote.continueExecution();
      await until('that it runs', () => seen.includes('continued') || api.registry.get(entry.session.id)?.state === 'running');
      await remote.pause();
      await stopped(entry, 2);
      await remote.continueExecution();

      let inside: SessionInfo | undefined;
      await assert.rejects(
        remote.debugSession('checkout', 'c-1', { order: 7 }).run(async (session) => {
          await session.setBreakpoint(file, marker('ticking.py', 'tick'), { hitCount: 2 });
          inside = remote.getSessionInfo('c-1');
          await stopped(entry, 3);
          throw new Error('the body fails');
        }),
        /the body fails/,
      );
      assert.deepEqual([inside?.name, inside?.active, inside?.metadata.order, inside?.breakpoints.length], ['checkout', true, 7, 1]);
      const after = remote.getSessionInfo('c-1');
      assert.deepEqual([after?.active, after?.breakpoints.length], [false, 0]);
      assert.match(after?.failures.join() ?? '', /the body fails/);
      remote.debugSession('left open', 'c-2');
      assert.deepEqual(
        remote.listSessions().map(({ id }) => id),
        ['c-2'],
      );
      await remote.closeAllSessions();
      assert.deepEqual(remote.listSessions(), []);
      const statistics = remote.getStatistics();
      assert.ok(statistics.requests > 5 && statistics.errors >= 2 && statistics.meanRoundTripMs > 0, JSON.stringify(statistics));
      assert.deepEqual(
        statistics.sessions.map(({ name, active }) => [name, active]),
        [
          ['checkout', false],
          ['left open', false],
        ],
      );
      off();
      const told = seen.length;
      await remote.continueExecution();
      await until('that it runs', () => api.registry.get(entry.session.id)?.state === 'running');
      assert.equal(seen.length, told, 'an unregistered handler is not called');
      assert.equal(vscode.debug.breakpoints.length, gutter);
      assert.equal(events(entry, 'breakpoint').filter(({ body }) => body.reason === 'new').length, 0);
    });
  }
});
