/** Stop on violation: in the offending frame, at the moment, with a text that says what and the fix; by the filters and by single codes. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { ended, events, fileIn, marker, place, processOf, reset, type Seen, start, stopped, until } from './support';

/** Starts a program of the findings' catalogue with the exception filters set, as the Breakpoints view would. */
async function watched(file: string, filterOptions: { filterId: string; condition?: string }[], args: string[] = []): Promise<Seen> {
  const entry = await start({ program: fileIn(file), args, stopOnEntry: true });
  await stopped(entry);
  await entry.session.customRequest('setExceptionBreakpoints', { filters: [], filterOptions });
  await vscode.commands.executeCommand('workbench.action.debug.continue');
  return entry;
}

const CASES: { code: string; libraries: string[]; at: string }[] = [
  { code: 'cross-task-exit', libraries: ['asyncio', 'anyio', 'trio'], at: 'left' },
  { code: 'out-of-order-exit', libraries: ['anyio', 'trio'], at: '' },
  { code: 'lock-reentry', libraries: ['asyncio', 'anyio', 'trio'], at: '' },
  { code: 'wrong-loop', libraries: ['asyncio', 'anyio'], at: '' },
];

describe('stop on violation', () => {
  afterEach(reset);

  for (const { code, libraries, at } of CASES) {
    for (const library of libraries) {
      it(`${code} on ${library}: stops there, and the exception widget's text has the fix`, async () => {
        const file = `catalog/${code}/bad_${library}.py`;
        const entry = await watched(file, [{ filterId: 'asyncHealth.errors', condition: code }]);
        const { body } = await stopped(entry, 2);
        assert.equal(body.reason, 'exception');
        const { line } = await place(entry);
        if (at) assert.equal(line, marker(file, at));
        const info = await entry.session.customRequest('exceptionInfo', { threadId: body.threadId });
        assert.equal(info.exceptionId, code);
        assert.match(info.description, /Fix: /);
        if (code !== 'lock-reentry') assert.match(info.details.stackTrace, /here.*:\n {2}.*\.py:\d+/, 'the other place');
        assert.equal(info.breakMode, 'always');
        // Panel and status bar have it while the program still stands there, and going on does not make it two.
        const health = (await processOf(entry)).source.health;
        const found = () => health.findings().filter((one) => one.code === code);
        assert.ok(found().length > 0, 'the finding is there at the stop');
        assert.equal(found().find((one) => one.location?.line === line)?.count, 1);
        await entry.session.customRequest('setExceptionBreakpoints', { filters: [] });
        await vscode.commands.executeCommand('workbench.action.debug.continue');
        if (code !== 'lock-reentry') await ended(entry); // one that waits for itself never ends
        for (const one of found()) assert.equal(one.count, 1, `${one.code} at line ${one.location?.line} was counted twice`);
      });
    }
  }

  for (const library of ['uvloop', 'anyio-trio']) {
    it(`${library}: a scope left by another task`, async () => {
      const entry = await watched('crossing.py', [{ filterId: 'asyncHealth.errors' }], [library]);
      const { body } = await stopped(entry, 2);
      assert.equal((await place(entry)).line, marker('crossing.py', 'left'));
      const info = await entry.session.customRequest('exceptionInfo', { threadId: body.threadId });
      assert.equal(info.exceptionId, 'cross-task-exit');
      assert.match(info.description, /Fix: /);
    });
  }

  it('warnings have a filter of their own: a blocked loop pauses the program where it blocks', async () => {
    const entry = await watched('catalog/blocked-loop/bad_asyncio.py', [{ filterId: 'asyncHealth.warnings' }]);
    const { body } = await stopped(entry, 2);
    const info = await entry.session.customRequest('exceptionInfo', { threadId: body.threadId });
    assert.equal(info.exceptionId, 'blocked-loop');
  });

  it('does not stop at codes that the condition leaves out', async () => {
    const entry = await watched('catalog/cross-task-exit/bad_asyncio.py', [{ filterId: 'asyncHealth.errors', condition: 'lock-reentry' }]);
    await ended(entry);
    assert.equal(events(entry, 'stopped').length, 1, 'at the entry only');
    await until('the end', () => entry.ended);
  });
});
