/** `await` in the Debug Console and in Watch, running and paused. (Typing it is test/e2e.) */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { breakAt, evaluate, fileIn, output, place, reset, type Seen, start, stopped, topFrame, until } from './support';

const FILE = 'tasks/awaiting.py';

async function ready(library: string): Promise<Seen> {
  const entry = await start({ program: fileIn(FILE), args: [library] });
  await until('the program', () => /ready/.test(output(entry)));
  return entry;
}

const repl = (entry: Seen, expression: string, frameId?: number) => evaluate(entry, expression, frameId, 'repl');

/** The error's text as the Debug Console shows it. */
async function failure(evaluating: Promise<string>): Promise<string> {
  try {
    return `no error: ${await evaluating}`;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

describe('await in the editor', () => {
  afterEach(reset);

  for (const library of ['asyncio', 'uvloop', 'anyio', 'anyio-trio', 'trio']) {
    const prefix = library === 'asyncio' || library === 'uvloop' ? '' : library === 'trio' ? 'trio_' : 'any_';

    it(`${library}: runs on the program's loop while it runs: result, failure, cancel`, async () => {
      const entry = await ready(library);
      assert.equal(await repl(entry, `await ${prefix}slow(1)`), '2');
      assert.match(await failure(repl(entry, 'await fails()')), /ValueError: as expected/);
      const waiting = failure(repl(entry, `await ${prefix}slow(1, 60)`));
      const { seq } = await until('the request', () =>
        entry.received.find((message) => JSON.stringify(message).includes(`${prefix}slow(1, 60)`)),
      );
      await entry.session.customRequest('cancel', { requestId: seq });
      assert.match(await waiting, /Cancelled/);
    });

    it(`${library}: paused, says what needs the loop, and offers to resume until it is done`, async () => {
      breakAt(FILE, `${prefix.replace('_', '-')}stop`);
      const entry = await ready(library);
      await stopped(entry);
      const { frameId } = await place(entry);
      const onTrio = library.endsWith('trio'); // whose run cannot be borrowed for a step: everything arrives later there
      if (!onTrio) assert.equal(await repl(entry, 'await fast(local)', frameId), '40');
      assert.match(await failure(evaluate(entry, `await ${prefix}slow(local)`, frameId)), /can't complete now.*loop.*stands/s);
      assert.match(await repl(entry, `await ${prefix}slow(local)`, frameId), /continue, and its result will be shown/);
      // What the button of the message does.
      await vscode.commands.executeCommand('asyncHealth.resumeUntilDone', entry.session.id);
      const { body } = await stopped(entry, 2);
      assert.equal(body.reason, 'pause');
      assert.match(output(entry), new RegExp(`await ${prefix}slow\\(local\\) → 21\n`));
      const { id } = await topFrame(entry, body.threadId!);
      if (!onTrio) assert.equal(await repl(entry, 'await fast(1)', id), '2', 'it stands again');
    });
  }
});
