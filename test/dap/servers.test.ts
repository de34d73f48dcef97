/** Servers that start workers: each worker is a child session with a live probe and working breakpoints, also after a reload. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { copyFileSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { AsyncDebugAdapter } from '../../src/adapter';
import { DapTester, inProcess } from './support/DapTester';
import { eventually, marker, PROBE_FOLDER, PYTHON, program, temporaryFolder } from './support/environment';

interface Session {
  tester: DapTester;
  adapter: AsyncDebugAdapter;
}

describe('servers', () => {
  const folder = temporaryFolder();
  const path = join(folder, 'asgi.py');
  const open: DapTester[] = [];
  const sessions: Session[] = [];

  before(() => copyFileSync(program('asgi.py'), path));
  afterEach(async () => {
    sessions.length = 0;
    await Promise.all(open.splice(0).map((tester) => tester.stop()));
  });

  /** A session whose children, and theirs, are attached to, with a breakpoint in the application. */
  async function start(configuration: Record<string, unknown>): Promise<Session> {
    const endpoint = inProcess({ configuration, discovery: { python: PYTHON }, probeFolder: PROBE_FOLDER });
    const one = { tester: new DapTester(endpoint), adapter: endpoint.adapter };
    open.push(one.tester);
    sessions.push(one);
    one.tester.onEvent = (event) => {
      if (event.event === 'debugpyAttach') start({ request: 'attach', ...event.body }).catch(() => {});
    };
    await one.tester.start(configuration.request as 'launch', configuration, () =>
      one.tester.request('setBreakpoints', { source: { path }, breakpoints: [{ line: marker(path, 'answer') }] }),
    );
    return one;
  }

  async function freePort(): Promise<number> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    return port;
  }

  const workers = () =>
    sessions.filter(({ adapter }) => {
      if (adapter.session.state === 'ended') return false;
      const { rows } = adapter.health.window('tasks', { offset: 0, limit: 100 });
      return adapter.probe.isLive && rows.some((row) => (row as { coroutine: string }).coroutine.includes('heartbeat'));
    });

  /** One request to the server; the worker that takes it stops, is looked at, and goes on. */
  async function hit(port: number): Promise<number> {
    const before = sessions.map(({ tester }) => tester.received.length);
    const answer = fetch(`http://127.0.0.1:${port}/`).then((response) => response.text());
    let stopped: Session | undefined;
    await eventually('a stop in a worker', () => {
      stopped = sessions.find(({ tester }, index) =>
        tester.received.slice(before[index]).some((m) => (m as { event?: string }).event === 'stopped'),
      );
      return stopped !== undefined;
    });
    const event = stopped!.tester.events('stopped').at(-1)!;
    const { threadId } = event.body;
    const { stackFrames } = await stopped!.tester.request('stackTrace', { threadId });
    assert.equal(stackFrames[0].name.split('.').pop(), 'app');
    await stopped!.tester.request('continue', { threadId });
    const pid = Number(await answer);
    assert.equal(stopped!.adapter.probe.pid, pid);
    return pid;
  }

  it('uvicorn --reload: the worker, and the next one after a change', async () => {
    const port = await freePort();
    await start({
      request: 'launch',
      module: 'uvicorn',
      args: ['asgi:app', '--port', String(port), '--reload', '--reload-delay', '0.1'],
      cwd: folder,
      console: 'internalConsole',
    });
    await eventually('a worker', () => workers().length === 1, 30_000);
    const first = await hit(port);
    const later = new Date(Date.now() + 5_000);
    writeFileSync(path, `${readFileSync(path, 'utf8')}\n`);
    utimesSync(path, later, later);
    await eventually('another worker', () => workers().some(({ adapter }) => adapter.probe.pid !== first), 30_000);
    assert.notEqual(await hit(port), first);
  });

  it('gunicorn: every worker', async function () {
    if (process.platform === 'win32') return this.skip(); // there is none for Windows
    const port = await freePort();
    const args = ['asgi:app', '-k', 'uvicorn.workers.UvicornWorker', '-w', '2', '-b', `127.0.0.1:${port}`];
    await start({ request: 'launch', module: 'gunicorn', args, cwd: folder, console: 'internalConsole' });
    await eventually('two workers', () => workers().length === 2, 30_000);
    const pids = new Set(workers().map(({ adapter }) => adapter.probe.pid));
    assert.equal(pids.size, 2);
    assert.ok(pids.has(await hit(port)));
  });
});
