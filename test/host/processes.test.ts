/** Child processes, attaching, and sessions of the Python Debugger's own type. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { createServer } from 'node:net';
import * as vscode from 'vscode';
import type { HealthProcess } from '../../src/extension/registry';
import type { TaskRow } from '../../src/shared/rows';
import {
  breakAt,
  ended,
  extension,
  fileIn,
  finding,
  isAlive,
  live,
  nextSession,
  output,
  processOf,
  python,
  reset,
  sessionCount,
  start,
  stopped,
  track,
  until,
} from './support';

const started: ChildProcess[] = [];

/** A program outside of VS Code; ended after each test. */
function program(...args: string[]): ChildProcess {
  const child = spawn(python, args, { stdio: ['ignore', 'pipe', 'inherit'], cwd: fileIn('.') });
  started.push(child);
  return child;
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

const taskRows = (process: HealthProcess) =>
  process.source.health
    .window('tasks', { offset: 0, limit: 50 })
    .rows.filter((row): row is TaskRow => 'kind' in row && row.kind === 'task');

describe('processes', () => {
  afterEach(async () => {
    await reset();
    for (const child of started.splice(0)) child.kill('SIGKILL');
  });

  it('a child process is a child session with its own probe', async () => {
    const count = sessionCount();
    const entry = await start({ program: fileIn('children.py'), name: 'parent' });
    const parent = await live(entry);
    const child = await nextSession(count + 1);
    assert.equal(child.session.parentSession?.id, entry.session.id);
    const process = await live(child);
    assert.notEqual(process.info().pid, parent.info().pid);
    const names = () => taskRows(process).map(({ name }) => name);
    await until("the child's own tasks", () => names().includes('child-3'));
    const { registry } = await extension();
    assert.equal(registry.live.length, 2);
    await ended(entry);
    assert.match(output(entry), /child ended/);
    assert.ok(child.ended);
  });

  it('attaches to a program that listens, finds the tasks that were there, and leaves it running', async () => {
    const port = await freePort();
    const child = program('-m', 'debugpy', '--listen', String(port), fileIn('server.py'));
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    const entry = await start({ request: 'attach', connect: { host: '127.0.0.1', port } });
    const process = await live(entry);
    const names = () => taskRows(process).map(({ name }) => name);
    await until('the tasks that were there before', () => names().includes('beat-2'));
    await vscode.debug.stopDebugging(entry.session);
    await ended(entry);
    assert.ok(isAlive(child.pid!), 'the program goes on');
    // And again.
    const again = await start({ request: 'attach', connect: { host: '127.0.0.1', port } });
    const second = await live(again);
    await until('the tasks at the second time', () => second.source.health.overview().counts.tasks >= 3);
  });

  it('waits for a program that connects', async () => {
    const port = await freePort();
    const attaching = start({ request: 'attach', listen: { host: '127.0.0.1', port } });
    const connecting = setInterval(() => {
      if (started.length < 1) program('-m', 'debugpy', '--connect', `127.0.0.1:${port}`, fileIn('server.py'));
    }, 1_500);
    try {
      const process = await live(await attaching);
      await until('its tasks', () => process.source.health.overview().counts.tasks >= 3);
    } finally {
      clearInterval(connecting);
    }
  });

  it('attaches by process id to a program that runs already, chosen from the list', async () => {
    const child = program(fileIn('server.py'));
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    track();
    const count = sessionCount();
    void vscode.commands.executeCommand('asyncHealth.attachToProcess');
    // The newest Python process is the first of the list.
    await until('the session', async () => {
      await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
      return sessionCount() > count;
    });
    const entry = await nextSession(count);
    assert.equal(entry.session.configuration.processId, child.pid);
    const process = await live(entry);
    const names = () => taskRows(process).map(({ name }) => name);
    await until('the tasks that were there before', () => names().includes('beat-2'));
    await vscode.debug.stopDebugging(entry.session);
    await ended(entry);
    assert.ok(isAlive(child.pid!), 'the program goes on');
  });

  it('says at once why a process cannot be attached to', async () => {
    const child = spawn('sleep', ['100']);
    started.push(child);
    track();
    const starting = start({ request: 'attach', processId: child.pid });
    await assert.rejects(Promise.resolve(starting), /exports no Python functions.*--listen 5678/);
  });

  it('lists Python processes for the picker', async () => {
    const child = program(fileIn('server.py'));
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    const { listProcesses } = await import('../../src/extension/processPicker');
    const found = (await listProcesses()).find(({ pid }) => pid === child.pid);
    assert.match(found?.command ?? '', /server\.py/);
  });
});

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

  it('let a task be cancelled, and say what they cannot do', async () => {
    await settings().update('instrumentPythonDebugger', true, vscode.ConfigurationTarget.Global);
    const entry = await launch('server.py');
    const process = await live(entry);
    const beat = await until('a task', () => taskRows(process).find(({ name }) => name === 'beat-1'));
    await assert.rejects(
      process.source.request('asyncHealth/runUntilResume', { task: beat.address }),
      /needs a session of type "python-async"/,
    );
    await process.source.request('asyncHealth/cancelTask', { task: beat.address });
    // Nobody catches it: the Python Debugger stops at the uncaught exception.
    await stopped(entry);
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
