/** What goes wrong for users: a clear word, no session left behind, the editor goes on. */
import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as vscode from 'vscode';
import {
  breakAt,
  ended,
  events,
  extension,
  fileIn,
  isAlive,
  live,
  output,
  processOf,
  python,
  reset,
  start,
  stopped,
  track,
  until,
} from './support';

/** Starts what must fail; resolves to the text of the error dialog (VS Code shows none in tests, and says what it would have shown). */
async function fails(configuration: Partial<vscode.DebugConfiguration>): Promise<string> {
  track();
  const full: vscode.DebugConfiguration = {
    type: 'python-async',
    request: 'launch',
    name: 'fails',
    console: 'internalConsole',
    python,
    ...configuration,
  };
  try {
    await vscode.debug.startDebugging(vscode.workspace.workspaceFolders![0], full);
  } catch (error) {
    return String(error).replaceAll('DialogService: refused to show dialog in tests. Contents: ', '');
  }
  return 'no error';
}

describe('faults', () => {
  afterEach(reset);

  it('no such interpreter', async () => {
    assert.match(
      await fails({ program: fileIn('quick.py'), python: '/nowhere/python3' }),
      /\/nowhere\/python3.*not there or not executable.*Install Python.*Select Interpreter/,
    );
    const { registry } = await extension();
    await until('nothing left of it', () => registry.processes.length === 0);
  });

  it('no such program', async () => {
    assert.match(await fails({ program: fileIn('missing.py') }), /missing\.py" does not exist/);
  });

  it('no debugpy', async () => {
    assert.match(await fails({ program: fileIn('quick.py'), debugAdapterPath: '/nowhere/debugpy' }), /\/nowhere\/debugpy.*no debugpy/);
  });

  it('nothing to run', async () => {
    assert.match(await fails({}), /does not say what to run/);
  });

  it('nothing to attach to', async () => {
    assert.match(await fails({ request: 'attach' }), /does not say what to attach to/);
  });

  it('nothing listens where the configuration says', async () => {
    const connect = { host: '127.0.0.1', port: 1 };
    assert.match(await fails({ request: 'attach', connect }), /Can't connect to debugpy at 127\.0\.0\.1:1/);
  });

  it('a syntax error ends the session and shows in the output', async () => {
    const entry = await start({ program: fileIn('broken.py') });
    await ended(entry);
    assert.match(output(entry), /SyntaxError/);
  });

  it('a program that ends at once is debugged to its end', async () => {
    const entry = await start({ program: fileIn('quick.py') });
    await ended(entry);
    assert.match(output(entry), /gone at once/);
    assert.equal((await processOf(entry)).state, 'ended');
  });

  it('a program that is killed ends its session', async () => {
    const entry = await start({ program: fileIn('server.py') });
    const health = await live(entry);
    const pid = await until('its pid', () => health.info().pid);
    process.kill(pid, 'SIGKILL');
    await ended(entry);
    assert.equal(health.state, 'ended');
  });

  for (const delayMs of [0, 100, 400, 900]) {
    it(`VS Code stops the session ${delayMs} ms after its start`, async () => {
      const entry = await start({ program: fileIn('server.py') });
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      await vscode.debug.stopDebugging(entry.session);
      await ended(entry);
      const pid = events<DebugProtocol.ProcessEvent>(entry, 'process')[0]?.body.systemProcessId;
      if (pid) await until('the end of the program', () => !isAlive(pid));
    });
  }

  it('a probe that does not get in leaves plain debugging, and says why', async () => {
    breakAt('fetch.py', 'bp');
    const entry = await start({ program: fileIn('fetch.py'), asyncHealth: { injectTimeoutMs: 0 } });
    await stopped(entry);
    const health = await processOf(entry);
    const info = health.info();
    if (info.probe !== 'live') {
      assert.equal(info.probe, 'failed');
      assert.match(info.probeMessage ?? '', /debugging goes on without it/);
    }
    const { threads } = await entry.session.customRequest('threads');
    assert.ok(threads.length > 0);
  });

  it('two sessions at once do not mix', async () => {
    const one = await start({ program: fileIn('cross_task.py'), name: 'one' });
    const two = await start({ program: fileIn('server.py'), name: 'two' });
    const [first, second] = [await live(one), await live(two)];
    await until('the finding', () => first.findings().some(({ code }) => code === 'cross-task-exit'));
    assert.deepEqual(
      second.findings().filter(({ severity }) => severity !== 'info'),
      [],
    );
    await vscode.debug.stopDebugging(one.session);
    await ended(one);
    assert.equal(first.state, 'ended');
    assert.equal(second.state, 'running');
    const { threads } = await two.session.customRequest('threads');
    assert.ok(threads.length > 0);
  });
});
