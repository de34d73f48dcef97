/** Steps through the editor's own commands: they stay with the task while its siblings run the same code, on every library. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { breakAt, ended, evaluate, fileIn, LIBRARIES, marker, output, place, reset, type Seen, start, step, stopped } from './support';

/** Command and the marker of `tour.py` (or markers) where it must lead. */
type Step = ['stepOver' | 'stepInto' | 'stepOut', string | string[]];

const TOUR: Step[] = [
  ['stepOver', 'call'],
  ['stepInto', 'tail-first'],
  ['stepOver', 'tail-last'],
  ['stepInto', 'first'], // at "return await"
  ['stepOver', 'await'],
  ['stepOver', 'after'], // over an await
  ['stepOut', ['tail-last', 'call', 'called']], // through "return await"
];

async function walk(entry: Seen, steps: Step[]): Promise<void> {
  for (const [command, expected] of steps) {
    const from = (await place(entry)).line;
    const { line, frameId, name } = await step(entry, command);
    const wanted = ([] as string[]).concat(expected);
    const lines = wanted.map((tag) => marker('tour.py', tag));
    assert.ok(lines.includes(line), `${command} from line ${from} led to ${name}:${line}, not to ${wanted.join(' or ')} (${lines})`);
    if (name !== '<module>')
      assert.equal(await evaluate(entry, 'MY()', frameId), 'True', `${command} from line ${from} led to another task`);
  }
}

describe('stepping in the editor', () => {
  afterEach(reset);

  for (const library of LIBRARIES) {
    it(`${library}: over, in at and out of awaits`, async () => {
      breakAt('tour.py', 'before');
      const entry = await start({ program: fileIn('tour.py'), args: [library] });
      await stopped(entry);
      await walk(entry, TOUR);
    });

    it(`${library}: on the last line and past the final return of a task, to the one that awaits it`, async () => {
      breakAt('tour.py', 'first', { condition: 'MY() and in_group' });
      const entry = await start({ program: fileIn('tour.py'), args: [library] });
      await stopped(entry);
      await walk(entry, [
        ['stepOver', 'await'],
        ['stepOver', 'after'],
        ['stepOver', 'return'],
        ['stepOver', ['group', 'group-after']],
      ]);
    });

    it(`${library}: out of a task into the one that awaits it`, async () => {
      breakAt('tour.py', 'first', { condition: 'MY() and in_group' });
      const entry = await start({ program: fileIn('tour.py'), args: [library] });
      await stopped(entry);
      await walk(entry, [['stepOut', 'group-after']]);
      vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
      await vscode.commands.executeCommand('workbench.action.debug.continue');
      await ended(entry);
      assert.match(output(entry), /toured 3\r?\nmodule end/);
    });
  }
});
