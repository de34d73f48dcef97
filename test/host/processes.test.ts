/** A child process, and attaching. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import * as vscode from 'vscode';
import {
  ended,
  extension,
  fileIn,
  freePort,
  isAlive,
  live,
  nextSession,
  output,
  python,
  reset,
  sessionCount,
  start,
  taskRows,
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

  it('attaches by process id to a program that runs already', async () => {
    const child = program(fileIn('server.py'));
    await new Promise((resolve) => child.stdout!.once('data', resolve));
    const entry = await start({ request: 'attach', processId: child.pid });
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
    const { listProcesses, whatRuns } = await import('../../src/extension/processPicker');
    const found = (await listProcesses()).find(({ pid }) => pid === child.pid);
    assert.equal(whatRuns(found?.command ?? ''), 'server.py');
    assert.equal(whatRuns('/usr/bin/python3 -X utf8 -u -m uvicorn app:app'), '-m uvicorn');
  });
});
