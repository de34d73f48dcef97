/** A stopped program in the editor: tasks and their frames, how many, of which libraries; time; pause whatever the loop does. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as vscode from 'vscode';
import {
  breakAt,
  ended,
  evaluate,
  fileIn,
  LIBRARIES,
  live,
  marker,
  output,
  reset,
  type Seen,
  start,
  stopped,
  topFrame,
  until,
} from './support';

const TREE = 'tasks/tree.py';

const threadsOf = async (entry: Seen): Promise<DebugProtocol.Thread[]> => (await entry.session.customRequest('threads')).threads;
const names = async (entry: Seen) => (await threadsOf(entry)).map(({ name }) => name).join('\n');
const stackOf = async (entry: Seen, threadId: number): Promise<DebugProtocol.StackFrame[]> =>
  (await entry.session.customRequest('stackTrace', { threadId })).stackFrames;

async function atLeaf(library: string, options: Partial<vscode.DebugConfiguration> = {}): Promise<Seen> {
  breakAt(TREE, library === 'trio' ? 'trio-leaf' : library.startsWith('anyio') ? 'any-leaf' : 'leaf');
  const entry = await start({ program: fileIn(TREE), args: [library], ...options });
  await stopped(entry);
  return entry;
}

describe('a stopped program', () => {
  afterEach(reset);

  for (const library of LIBRARIES) {
    it(`${library}: a suspended task's frames have variables, set variable, hover, watch, completions`, async () => {
      const entry = await atLeaf(library);
      const thread = await until('the sibling', async () => (await threadsOf(entry)).find(({ name }) => /awaits sleep/.test(name)));
      const [leaf] = await stackOf(entry, thread.id);
      assert.match(leaf!.name, /leaf$/);
      const frameId = leaf!.id;
      const { scopes } = await entry.session.customRequest('scopes', { frameId });
      const { variablesReference } = scopes[0];
      const { variables } = await entry.session.customRequest('variables', { variablesReference });
      assert.ok(variables.some(({ name, value }: DebugProtocol.Variable) => name === 'name' && value === "'a'"));
      await entry.session.customRequest('setVariable', { variablesReference, name: 'name', value: "'changed'" });
      for (const context of ['hover', 'watch', 'repl']) assert.equal(await evaluate(entry, 'name', frameId, context), "'changed'", context);
      const { targets } = await entry.session.customRequest('completions', { frameId, text: 'nam', column: 4 });
      assert.ok(targets.some(({ label }: DebugProtocol.CompletionItem) => label === 'name'));
    });
  }

  it('says "N of M" when there are more tasks than the setting shows, and the setting counts', async () => {
    const settings = vscode.workspace.getConfiguration('asyncHealth');
    await settings.update('maxTasksInCallStack', 2, vscode.ConfigurationTarget.Workspace);
    try {
      assert.match(await names(await atLeaf('asyncio')), /… 3 of 6 tasks$/);
    } finally {
      await settings.update('maxTasksInCallStack', undefined, vscode.ConfigurationTarget.Workspace);
    }
  });

  it('library tasks: the command shows and hides them at once', async () => {
    const entry = await atLeaf('trio');
    const settings = () => vscode.workspace.getConfiguration('asyncHealth').get('showLibraryTasks');
    const shown = async () => /^<init>/m.test(await names(entry));
    try {
      for (const wanted of [true, false]) {
        if (settings() === wanted) await vscode.commands.executeCommand('asyncHealth.toggleLibraryTasks');
        await vscode.commands.executeCommand('asyncHealth.toggleLibraryTasks');
        await until(`library tasks ${wanted ? 'shown' : 'hidden'}`, async () => (await shown()) === wanted);
        assert.equal(settings(), wanted);
      }
      assert.match(await names(entry), /of libraries hidden\)$/);
    } finally {
      await vscode.workspace.getConfiguration('asyncHealth').update('showLibraryTasks', undefined, vscode.ConfigurationTarget.Global);
    }
  });

  for (const library of LIBRARIES) {
    const frozen = library !== 'uvloop';
    it(`${library}: a timeout ${frozen ? 'does not fire' : "keeps the loop's own clock and fires"} because the program stood`, async () => {
      breakAt('deadline.py', 'stop');
      const entry = await start({ program: fileIn('deadline.py'), args: [library] });
      await stopped(entry);
      await new Promise((resolve) => setTimeout(resolve, 1_500));
      await vscode.commands.executeCommand('workbench.action.debug.continue');
      await ended(entry);
      assert.match(output(entry), frozen ? /in time/ : /timed out/);
      assert.match(output(entry), /real seconds True/);
    });
  }

  it('a timeout fires as ever when the setting says so', async () => {
    breakAt('deadline.py', 'stop');
    const entry = await start({ program: fileIn('deadline.py'), args: ['asyncio'], asyncHealth: { freezeTimeWhilePaused: false } });
    await stopped(entry);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    await vscode.commands.executeCommand('workbench.action.debug.continue');
    await ended(entry);
    assert.match(output(entry), /timed out/);
  });
});

describe('pause', () => {
  afterEach(reset);

  for (const library of LIBRARIES) {
    it(`${library}: stops a loop that idles, spins or is blocked`, async () => {
      for (const kind of ['idle', 'spin', 'block']) {
        const entry = await start({ program: fileIn('pausing.py'), args: [library, kind] });
        await live(entry);
        await until('the program', () => /ready/.test(output(entry)));
        await new Promise((resolve) => setTimeout(resolve, 200)); // let it come to its rest
        await until('the focus', () => vscode.debug.activeDebugSession?.id === entry.session.id);
        await vscode.commands.executeCommand('workbench.action.debug.pause');
        const { body } = await stopped(entry);
        assert.equal(body.reason, 'pause');
        if (kind === 'idle') assert.match(await names(entry), /waiting · awaits sleep/);
        if (kind === 'block')
          assert.ok([0, -1].includes((await topFrame(entry, body.threadId!)).line - marker('pausing.py', 'block')), 'in its loop');
        await vscode.debug.stopDebugging(entry.session);
      }
    });
  }
});
