/** Actions on tasks, through the commands that the menus call. */
import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { TaskRow } from '../../src/shared/rows';
import { extension, fileIn, live, marker, reset, type Seen, start, stopped, topFrame, until } from './support';

interface ThreadName {
  id: number;
  name: string;
}

async function threadOf(entry: Seen, name: string): Promise<ThreadName> {
  return until(`a thread for ${name}`, async () => {
    const { threads } = await entry.session.customRequest('threads');
    return (threads as ThreadName[]).find((thread) => thread.name.startsWith(name));
  });
}

async function rowOf(entry: Seen, name: string): Promise<TaskRow> {
  const { source } = await live(entry);
  return until(`the task ${name}`, () =>
    source.health
      .window('tasks', { offset: 0, limit: 100 })
      .rows.find((row): row is TaskRow => 'kind' in row && row.kind === 'task' && row.name === name),
  );
}

async function pause(entry: Seen): Promise<number> {
  const { threads } = await entry.session.customRequest('threads');
  await entry.session.customRequest('pause', { threadId: threads[0].id });
  const { body } = await stopped(entry);
  return body.threadId!;
}

describe('actions on tasks', () => {
  afterEach(reset);

  it('pause stops a program whose loop idles', async () => {
    const entry = await start({ program: fileIn('server.py') });
    await live(entry);
    await pause(entry);
    const { registry } = await extension();
    await until('the state', () => registry.get(entry.session.id)?.state === 'paused');
  });

  it('the Call Stack menu breaks when a task resumes', async () => {
    const entry = await start({ program: fileIn('server.py') });
    await rowOf(entry, 'beat-1');
    await pause(entry);
    const thread = await threadOf(entry, 'beat-1');
    // What VS Code passes from the menu: the thread's id, then where it belongs.
    await vscode.commands.executeCommand('asyncHealth.breakOnResume', thread.id, {
      sessionId: entry.session.id,
      threadId: String(thread.id),
    });
    await vscode.commands.executeCommand('workbench.action.debug.continue');
    const { body } = await stopped(entry, 2);
    const frame = await topFrame(entry, body.threadId!);
    assert.equal(frame.name, 'beat');
    const { result } = await entry.session.customRequest('evaluate', {
      expression: "__import__('asyncio').current_task().get_name()",
      frameId: frame.id,
    });
    assert.equal(result, "'beat-1'");
  });

  it('runs until a task resumes', async () => {
    const entry = await start({ program: fileIn('server.py') });
    await rowOf(entry, 'beat-2');
    await pause(entry);
    const thread = await threadOf(entry, 'beat-2');
    await vscode.commands.executeCommand('asyncHealth.runUntilResume', thread.id, { sessionId: entry.session.id });
    const { body } = await stopped(entry, 2);
    assert.equal((await topFrame(entry, body.threadId!)).name, 'beat');
  });

  it('goes to where a task was created', async () => {
    const entry = await start({ program: fileIn('server.py') });
    await rowOf(entry, 'beat-0');
    await pause(entry);
    const thread = await threadOf(entry, 'beat-0');
    await vscode.commands.executeCommand('asyncHealth.revealCreation', thread.id, { sessionId: entry.session.id });
    const editor = await until('the editor', () => vscode.window.activeTextEditor);
    assert.equal(editor.document.uri.fsPath, fileIn('server.py'));
    assert.equal(editor.selection.active.line + 1, marker('server.py', 'created'));
  });

  it('cancels a task of the tree', async () => {
    const entry = await start({ program: fileIn('server.py') });
    const process = await live(entry);
    const row = await rowOf(entry, 'beat-1');
    // The confirmation is a dialog, which VS Code shows none of in tests: the request behind it is what is tried here.
    await process.source.request('asyncHealth/cancelTask', { task: row.address });
    await until('the cancellation', () => {
      const { rows } = process.source.health.window('tasks', { offset: 0, limit: 100, includeEnded: true });
      return rows.some(
        (one) => 'kind' in one && one.kind === 'task' && one.id === row.id && (one.cancelRequested || one.state === 'cancelled'),
      );
    });
  });

  it('detail can be changed while the program runs', async () => {
    const entry = await start({ program: fileIn('server.py') });
    const process = await live(entry);
    await process.source.request('asyncHealth/setDetail', { detail: 'full' });
    assert.equal(process.info().detail, 'full');
    await process.source.request('asyncHealth/setDetail', { detail: 'light' });
    assert.equal(process.info().detail, 'light');
  });

  it('library tasks come and go with the setting', async () => {
    const settings = vscode.workspace.getConfiguration('asyncHealth');
    const entry = await start({ program: fileIn('server.py') });
    await rowOf(entry, 'beat-0');
    await pause(entry);
    await settings.update('showLibraryTasks', true, vscode.ConfigurationTarget.Global);
    await until('the adapter told', async () => {
      const sent = entry.received.some((message) => JSON.stringify(message).includes('asyncHealth/showLibraryTasks'));
      return sent;
    });
    await settings.update('showLibraryTasks', undefined, vscode.ConfigurationTarget.Global);
  });
});
