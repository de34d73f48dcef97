/** Sessions of the Python Debugger's own type: the panel and the actions on tasks, when the setting says so. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as vscode from 'vscode';
import {
  breakAt,
  ended,
  evaluate,
  events,
  extension,
  fileIn,
  finding,
  live,
  marker,
  output,
  processOf,
  python,
  reset,
  type Seen,
  start,
  stopped,
  taskRows,
  topFrame,
  track,
  until,
} from './support';

describe("sessions of the Python Debugger's type", () => {
  const settings = () => vscode.workspace.getConfiguration('asyncHealth');
  afterEach(async () => {
    await settings().update('instrumentPythonDebugger', undefined, vscode.ConfigurationTarget.Global);
    await reset();
  });

  const launch = (file: string) => start({ type: 'debugpy', program: fileIn(file), python, console: 'internalConsole' });

  it('are left alone by default', async () => {
    track();
    const entry = await launch('fetch.py');
    await ended(entry);
    const { registry } = await extension();
    assert.equal(registry.get(entry.session.id), undefined);
    assert.ok(!entry.received.some((message) => JSON.stringify(message).includes('async_health')));
  });

  it('get the probe when the setting says so', async () => {
    await settings().update('instrumentPythonDebugger', true, vscode.ConfigurationTarget.Global);
    const entry = await launch('cross_task.py');
    const process = await live(entry);
    const found = await finding(entry, 'cross-task-exit');
    assert.match(found.message, /opener/);
    assert.ok(process.source.statistics().requests > 0);
    await vscode.debug.stopDebugging(entry.session);
    await ended(entry);
    assert.equal((await processOf(entry)).state, 'ended');
  });

  const address = async (entry: Seen, name: string) => {
    const process = await live(entry);
    return (await until(`the task ${name}`, () => taskRows(process).find((row) => row.name === name))).address;
  };

  const pause = async (entry: Seen) => {
    const { threads } = await entry.session.customRequest('threads');
    // Counted first: the stop may be told before the answer is.
    const next = events(entry, 'stopped').length + 1;
    await entry.session.customRequest('pause', { threadId: threads[0].id });
    return (await stopped(entry, next)).body.threadId!;
  };

  it('let a task be cancelled', async () => {
    await settings().update('instrumentPythonDebugger', true, vscode.ConfigurationTarget.Global);
    const entry = await launch('server.py');
    const { source } = await live(entry);
    await source.request('asyncHealth/cancelTask', { task: await address(entry, 'beat-1') });
    // Nobody catches it: the Python Debugger stops at the uncaught exception.
    await stopped(entry);
  });

  it('pause an idle loop, stop when a task resumes, run until one resumes, tell where one was created', async () => {
    await settings().update('instrumentPythonDebugger', true, vscode.ConfigurationTarget.Global);
    const entry = await launch('server.py');
    const { source } = await live(entry);
    const stoppedIn = async (nth: number) => {
      const { body } = await stopped(entry, nth);
      const frame = await topFrame(entry, body.threadId!);
      assert.equal(frame.name, 'beat');
      return evaluate(entry, "__import__('asyncio').current_task().get_name()", frame.id);
    };
    const tasks = { one: await address(entry, 'beat-1'), two: await address(entry, 'beat-2') };
    await source.request('asyncHealth/breakOnResume', { task: tasks.one });
    assert.equal(await stoppedIn(1), "'beat-1'");
    await source.request('asyncHealth/runUntilResume', { task: tasks.two });
    assert.equal(await stoppedIn(2), "'beat-2'");
    // From Call Stack's menu: the thread stands for the task that runs in it.
    const { threadId } = events<DebugProtocol.StoppedEvent>(entry, 'stopped').at(-1)!.body;
    await vscode.commands.executeCommand('asyncHealth.revealCreation', threadId, { sessionId: entry.session.id });
    const editor = await until('the editor', () =>
      vscode.window.visibleTextEditors.find(({ selection }) => selection.active.line + 1 === marker('server.py', 'created')),
    );
    assert.equal(editor.document.uri.fsPath, fileIn('server.py'));
    await entry.session.customRequest('continue', { threadId });
    await pause(entry);
    assert.doesNotMatch(output(entry), /Error/);
  });

  it('say what they cannot do', async () => {
    await settings().update('instrumentPythonDebugger', true, vscode.ConfigurationTarget.Global);
    const entry = await launch('server.py');
    const { source } = await live(entry);
    await assert.rejects(source.request('asyncHealth/showLibraryTasks', { show: true }), /needs a session of type "python-async"/);
  });

  it('still stop at breakpoints', async () => {
    await settings().update('instrumentPythonDebugger', true, vscode.ConfigurationTarget.Global);
    breakAt('fetch.py', 'bp');
    const entry = await launch('fetch.py');
    await stopped(entry);
    const process = await live(entry);
    await until('the state', () => process.state === 'paused');
    await vscode.commands.executeCommand('workbench.action.debug.continue');
  });
});
