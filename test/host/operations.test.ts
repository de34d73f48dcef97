/** Breakpoints that the program sets for its own operations, merged with the gutter's; on every library. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { breakAt, ended, evaluate, fileIn, LIBRARIES, marker, output, place, remoteOf, reset, type Seen, start, stopped } from './support';

const FILE = 'operation.py';

const launch = (library: string, kind: string, tag?: string) =>
  start({ program: fileIn(FILE), args: [library, kind, tag ? String(marker(FILE, tag)) : '0'] });

const gutter = () => JSON.stringify(vscode.debug.breakpoints);
const stops = (entry: Seen) => entry.sent.filter((message) => JSON.stringify(message).includes('"event":"stopped"')).length;

describe('operations of the program', () => {
  afterEach(reset);

  for (const library of LIBRARIES) {
    it(`${library}: stops in the operation's own context only, once; the gutter stays as it was`, async () => {
      breakAt(FILE, 'work-after', { condition: 'n == 101' });
      const before = gutter();
      const entry = await launch(library, 'one', 'work-first');
      const remote = await remoteOf(entry);
      const seen: string[] = [];
      for (let nth = 1; nth <= 2; nth++) {
        await stopped(entry, nth);
        const { line, frameId } = await place(entry);
        const n = await evaluate(entry, 'n', frameId);
        seen.push(`${n} at ${line}`);
        if (n === '7') {
          assert.deepEqual(
            remote.listSessions().map(({ name, active, metadata }) => [name, active, metadata.n]),
            [['op 7', true, 7]],
          );
        }
        assert.equal(gutter(), before);
        await vscode.commands.executeCommand('workbench.action.debug.continue');
      }
      assert.deepEqual(seen.sort(), [`101 at ${marker(FILE, 'work-after')}`, `7 at ${marker(FILE, 'work-first')}`]);
      await ended(entry);
      assert.match(output(entry), /result 15\r?\nend/);
      assert.equal(stops(entry), 2);
      assert.equal(gutter(), before);
      assert.deepEqual(
        remote.listSessions(true).map(({ active, breakpoints }) => [active, breakpoints.length]),
        [[false, 0]],
      );
    });

    it(`${library}: an exception comes out unchanged; a hundred operations at once do not disturb one another`, async () => {
      const failing = await launch(library, 'failing');
      await ended(failing);
      assert.match(output(failing), /raised 'mine'\r?\nend/);
      const many = await launch(library, 'many', 'own-first'); // a line that none of them runs
      await ended(many);
      assert.match(output(many), /results 10000\r?\nend/);
      const sessions = (await remoteOf(many)).listSessions(true);
      assert.equal(sessions.length, 100);
      assert.deepEqual(
        sessions.filter(({ active, failures, breakpoints }) => active || failures.length + breakpoints.length > 0),
        [],
      );
      assert.equal(stops(failing) + stops(many), 0);
    });
  }

  for (const library of ['asyncio', 'uvloop', 'anyio']) {
    it(`${library}: isolated in a loop of its own`, async () => {
      const entry = await launch(library, 'loop', 'own-first');
      await stopped(entry);
      const { line, frameId } = await place(entry);
      assert.equal(line, marker(FILE, 'own-first'));
      assert.equal(
        await evaluate(entry, "__import__('threading').current_thread() is __import__('threading').main_thread()", frameId),
        'False',
      );
      await vscode.commands.executeCommand('workbench.action.debug.continue');
      await ended(entry);
      assert.match(output(entry), /result 15\r?\nend/);
    });
  }

  it("shares a line with the gutter's breakpoint: its condition, hit count and log point keep their own rules", async () => {
    breakAt(FILE, 'work-first', { hitCondition: '3' });
    breakAt(FILE, 'work-after', { logMessage: 'after {n}' });
    const entry = await launch('asyncio', 'one', 'work-first');
    const seen: string[] = [];
    for (let nth = 1; nth <= 2; nth++) {
      await stopped(entry, nth);
      seen.push(await evaluate(entry, 'n', (await place(entry)).frameId));
      await vscode.commands.executeCommand('workbench.action.debug.continue');
    }
    await ended(entry);
    // The third passage of the line is 102's or the operation's own, as the tasks happen to start.
    assert.ok(seen.includes('7') && seen.length === 2, seen.join());
    assert.match(output(entry), /after 7/);
    assert.match(output(entry), /after 101/);
  });
});
