/** `dap`: the adapter over stdio, as other editors use it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { command, DapTester } from './support/DapTester';
import { CLI, eventually, isAlive, marker, PYTHON, program, temporaryFolder, within } from './support/environment';

describe('dap over stdio', () => {
  const open: DapTester[] = [];
  const programs: ChildProcess[] = [];
  const folder = temporaryFolder();

  function editor(...args: string[]) {
    const endpoint = command(process.execPath, [CLI, 'dap', ...args]);
    const tester = new DapTester(endpoint);
    open.push(tester);
    return { tester, pid: endpoint.server.pid! };
  }

  afterEach(async () => {
    await Promise.all(open.splice(0).map((tester) => tester.stop()));
    for (const child of programs.splice(0)) child.kill('SIGKILL');
  });

  async function listening(): Promise<{ port: number; pid: number }> {
    const server: Server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    const child = spawn(PYTHON, ['-m', 'debugpy', '--listen', `127.0.0.1:${port}`, program('forever.py')], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    programs.push(child);
    let text = '';
    for await (const chunk of child.stdout!) {
      text += chunk;
      if (/ready \d+\s/.test(text)) break;
    }
    return { port, pid: Number(/ready (\d+)/.exec(text)![1]) };
  }

  const status = async (tester: DapTester) => tester.request('asyncHealth/status');

  it('launch, stop, end; the process ends with the session', async () => {
    const path = program('tasks.py');
    const log = join(folder, 'dap.log');
    const { tester, pid } = editor('--python', PYTHON, '--log', log);
    await tester.start('launch', { program: path, console: 'internalConsole' }, () =>
      tester.request('setBreakpoints', { source: { path }, breakpoints: [{ line: marker(path, 'main') }] }),
    );
    const stopped = await tester.event('stopped');
    await eventually('a live probe', async () => (await status(tester)).probe === 'live');
    await tester.request('continue', { threadId: stopped.body.threadId });
    await tester.event('terminated');
    await tester.request('disconnect', {});
    await tester.dispose();
    await eventually('the adapter has ended', () => !isAlive(pid));
    assert.match(readFileSync(log, 'utf8'), /probe in after/);
  });

  it('runInTerminal is asked of the client', async () => {
    const { tester } = editor('--python', PYTHON);
    const asked: string[][] = [];
    tester.onReverse = (request) => {
      asked.push(request.arguments.args);
      const [program, ...args] = request.arguments.args;
      const child = spawn(program, args, { stdio: 'ignore' });
      programs.push(child);
      return { processId: child.pid };
    };
    await tester.start('launch', { program: program('tasks.py'), console: 'integratedTerminal' });
    assert.equal((await tester.event('exited')).body.exitCode, 0);
    assert.equal(asked.length, 1);
  });

  it('attach with connect moves to the debugpy that listens there', async () => {
    const { port, pid } = await listening();
    const { tester } = editor('--python', PYTHON);
    assert.equal((await tester.start('attach', { connect: { host: '127.0.0.1', port } })).success, true);
    await eventually('a live probe', async () => (await status(tester)).pid === pid);
    await within(2_000, 'disconnect', tester.ask('disconnect', { terminateDebuggee: false }));
    assert.ok(isAlive(pid));
  });

  it('attach with connect where nothing listens: a clear failure', async () => {
    const { tester } = editor('--python', PYTHON);
    const response = await tester.start('attach', { connect: { host: '127.0.0.1', port: 1 } });
    assert.equal(response.success, false);
    assert.match(response.message ?? '', /nothing listens there/);
  });

  it('--upstream HOST:PORT is in front of what listens there', async () => {
    const { port, pid } = await listening();
    const { tester } = editor('--upstream', `127.0.0.1:${port}`);
    const response = await tester.start('attach', { justMyCode: true }); // debugpy takes no empty arguments
    assert.equal(response.success, true, response.message);
    await eventually('a live probe', async () => (await status(tester)).pid === pid);
  });

  it('--upstream-exec with a command that does not exist', async () => {
    const { tester } = editor('--upstream-exec', '/no/such/adapter');
    const response = await tester.ask('initialize', { adapterID: 'x' });
    assert.equal(response.success, false);
    assert.match(response.message ?? '', /\/no\/such\/adapter.*no such file/);
  });

  it('a client that closes its end: everything ends', async () => {
    const { tester, pid } = editor('--python', PYTHON);
    await tester.start('launch', { program: program('forever.py'), console: 'internalConsole' });
    await eventually('ready', () => /ready \d+\s/.test(tester.output('stdout')));
    const child = Number(/ready (\d+)/.exec(tester.output('stdout'))![1]);
    await tester.dispose();
    await eventually('both have ended', () => !isAlive(pid) && !isAlive(child));
  });

  it('garbage from the client does not disturb the session', async () => {
    const endpoint = command(process.execPath, [CLI, 'dap', '--python', PYTHON]);
    const tester = new DapTester(endpoint);
    open.push(tester);
    const { child } = endpoint.server as unknown as { child: { stdin: NodeJS.WritableStream } };
    child.stdin.write('hello?\nContent-Length: 3\r\n\r\n{]}Content-Length: x\r\n\r\n');
    assert.equal((await tester.start('launch', { program: program('tasks.py'), console: 'internalConsole' })).success, true);
    await tester.event('terminated');
  });
});
