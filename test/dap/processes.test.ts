/** Several processes: each child is a child session with a probe of its own. And attaching, to what waits and to what runs. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { type AsyncDebugAdapter, DebugpyServer } from '../../src/adapter';
import { DapTester, inProcess, overConnection } from './support/DapTester';
import { eventually, isAlive, marker, PROBE_FOLDER, PYTHON, program, within } from './support/environment';

interface Session {
  tester: DapTester;
  adapter: AsyncDebugAdapter;
}

describe('processes', () => {
  const open: DapTester[] = [];
  const programs: ChildProcess[] = [];

  function session(configuration: Record<string, unknown>): Session {
    const endpoint = inProcess({ configuration, discovery: { python: PYTHON }, probeFolder: PROBE_FOLDER });
    const tester = new DapTester(endpoint);
    open.push(tester);
    return { tester, adapter: endpoint.adapter };
  }

  function run(...args: string[]): ChildProcess {
    const child = spawn(PYTHON, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    programs.push(child);
    return child;
  }

  afterEach(async () => {
    await Promise.all(open.splice(0).map((tester) => tester.stop()));
    for (const child of programs.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
  });

  async function freePort(): Promise<number> {
    const server: Server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    server.close();
    await once(server, 'close');
    return port;
  }

  /** pid that the program prints as `ready PID`. */
  async function ready(child: ChildProcess): Promise<number> {
    let text = '';
    for await (const chunk of child.stdout!) {
      text += chunk;
      const match = /ready (\d+)\s/.exec(text);
      if (match) return Number(match[1]);
    }
    throw new Error(`the program ended: ${text}`);
  }

  /** Attaches to every child, and children's children, as their parents' clients are told of them: what VS Code does. */
  function followChildren(parent: Session, found: Session[] = []): Session[] {
    parent.tester.onEvent = (event) => {
      if (event.event !== 'debugpyAttach') return;
      const child = session(event.body);
      found.push(child);
      followChildren(child, found);
      child.tester.start('attach', event.body).catch(() => {}); // it may have ended before
    };
    return found;
  }

  describe('children', () => {
    for (const how of ['subprocess', 'popen', 'spawn', 'fork', 'forkserver']) {
      it(`${how}: a session of its own, with a probe that sees the child's tasks only`, async () => {
        const configuration = { request: 'launch', program: program('spawner.py'), args: [how], console: 'internalConsole' };
        const parent = session(configuration);
        const children = followChildren(parent);
        await parent.tester.start('launch', configuration);
        await parent.tester.event('terminated');
        assert.match(parent.tester.output('stdout'), new RegExp(`parent ${how} 0`));
        const pid = Number(/child \w+ (\d+)/.exec(parent.tester.output('stdout'))?.[1]);
        const child = children.find(({ adapter }) => adapter.probe.pid === pid);
        assert.ok(
          child,
          `a probe in process ${pid}; there were ${children.map(({ adapter }) => `${adapter.probe.pid} ${adapter.probe.status}`)}`,
        );
        assert.notEqual(parent.adapter.probe.pid, pid);
        assert.ok(
          names(child).some((name) => name.includes('child_main')),
          names(child).join(),
        );
        assert.ok(!names(parent).some((name) => name.includes('child_main')), names(parent).join());
        assert.ok(!names(child).some((name) => name === 'main'), names(child).join());
      });
    }

    it('a breakpoint in a child stops the child only', async () => {
      const path = program('spawner.py');
      const configuration = { request: 'launch', program: path, args: ['subprocess'], console: 'internalConsole' };
      const parent = session(configuration);
      await parent.tester.start('launch', configuration);
      const told = await parent.tester.event('debugpyAttach');
      const child = session(told.body);
      await child.tester.start('attach', told.body, () =>
        child.tester.request('setBreakpoints', { source: { path }, breakpoints: [{ line: marker(path, 'child') }] }),
      );
      const stopped = await child.tester.event('stopped');
      assert.equal(child.adapter.session.state, 'paused');
      assert.equal(parent.adapter.session.state, 'running');
      assert.equal(parent.tester.events('stopped').length, 0);
      await child.tester.request('continue', { threadId: stopped.body.threadId });
      await child.tester.event('terminated');
      await parent.tester.event('terminated');
    });

    it('with startDebugging, when the client can do that', async () => {
      const configuration = { request: 'launch', program: program('spawner.py'), args: ['subprocess'], console: 'internalConsole' };
      const parent = session(configuration);
      let asked: { request: string; configuration: Record<string, unknown> } | undefined;
      let child: Session | undefined;
      parent.tester.onReverse = async (request) => {
        assert.equal(request.command, 'startDebugging');
        asked = request.arguments;
        child = session({ request: 'attach', ...asked!.configuration });
        await child.tester.start('attach', asked!.configuration);
        return {};
      };
      await parent.tester.start('launch', configuration, undefined, { supportsStartDebuggingRequest: true });
      await parent.tester.event('terminated');
      assert.equal(asked?.request, 'attach');
      assert.equal(parent.tester.events('debugpyAttach').length, 0);
      assert.ok(child && names(child).some((name) => name.includes('child_main')));
    });

    function names({ adapter }: Session): string[] {
      const { rows } = adapter.health.window('tasks', { offset: 0, limit: 100, includeEnded: true });
      return rows.map((row) => (row as { coroutine: string }).coroutine);
    }
  });

  describe('attach', () => {
    async function attached(configuration: Record<string, unknown>): Promise<Session> {
      const one = session(configuration);
      const response = await one.tester.start('attach', configuration);
      assert.equal(response.success, true, JSON.stringify(response));
      return one;
    }

    async function seesTasks({ adapter }: Session, pid?: number): Promise<void> {
      await eventually('the tasks that were there before', () => {
        const { rows } = adapter.health.window('tasks', { offset: 0, limit: 100 });
        return rows.filter((row) => /ticker/.test((row as { coroutine: string }).coroutine)).length === 2;
      });
      if (pid !== undefined) assert.equal(adapter.probe.pid, pid);
    }

    it('by connect to a program that runs, again and again: the probe goes in at once, the program goes on', async () => {
      const port = await freePort();
      const child = run('-m', 'debugpy', '--listen', `127.0.0.1:${port}`, program('forever.py'));
      const pid = await ready(child);
      for (let round = 0; round < 3; round++) {
        const one = await attached({ request: 'attach', connect: { host: '127.0.0.1', port } });
        await seesTasks(one, pid);
        await one.adapter.probe.request('ping');
        await within(2_000, 'disconnect', one.tester.ask('disconnect', { terminateDebuggee: false }));
        await one.tester.dispose();
        assert.ok(isAlive(pid), `the program goes on after round ${round}`);
      }
    });

    it('by connect to a program that waits for a client', async () => {
      const port = await freePort();
      const child = run('-m', 'debugpy', '--listen', `127.0.0.1:${port}`, '--wait-for-client', program('forever.py'));
      const configuration = { request: 'attach', connect: { host: '127.0.0.1', port } };
      // Looking whether it listens already would count as a client: try to attach until it does.
      let one = session(configuration);
      await eventually('a session', async () => {
        if ((await one.tester.start('attach', configuration)).success) return true;
        one = session(configuration);
        return false;
      });
      await seesTasks(one, await ready(child));
    });

    it('by listen: the program connects to us', async () => {
      const port = await freePort();
      const one = session({ request: 'attach', listen: { host: '127.0.0.1', port } });
      const response = one.tester.start('attach', { request: 'attach', listen: { host: '127.0.0.1', port } });
      await one.tester.event('debugpyWaitingForServer');
      run('-m', 'debugpy', '--connect', `127.0.0.1:${port}`, program('forever.py'));
      assert.equal((await response).success, true);
      await seesTasks(one);
    });

    /** Attaches a client, by the adapter or straight to debugpy; nothing of ours is between then. */
    async function attachedBy(kind: 'debugpy' | 'adapter', port: number) {
      const configuration = { request: 'attach', connect: { host: '127.0.0.1', port } };
      const tester =
        kind === 'adapter'
          ? session(configuration).tester
          : new DapTester(overConnection(await DebugpyServer.connect({ host: '127.0.0.1', port })));
      if (kind === 'debugpy') open.push(tester);
      return { tester, response: await tester.start('attach', configuration) };
    }

    for (const kind of ['debugpy', 'adapter'] as const) {
      it(`${kind}: a client can attach after one that vanished without a word`, async () => {
        const port = await freePort();
        const pid = await ready(run('-m', 'debugpy', '--listen', `127.0.0.1:${port}`, program('forever.py')));
        const first = await attachedBy(kind, port);
        assert.equal(first.response.success, true);
        await first.tester.dispose();
        await new Promise((resolve) => setTimeout(resolve, 2_000)); // debugpy needs a moment to notice
        const second = await attachedBy(kind, port);
        assert.equal(second.response.success, true, second.response.message);
        assert.ok(isAlive(pid));
      });

      it(`${kind}: a second client is refused while there is one, with debugpy's words`, async () => {
        const port = await freePort();
        const pid = await ready(run('-m', 'debugpy', '--listen', `127.0.0.1:${port}`, program('forever.py')));
        const first = await attachedBy(kind, port);
        assert.equal(first.response.success, true);
        const second = await attachedBy(kind, port);
        assert.equal(second.response.success, false);
        assert.match(second.response.message ?? '', /is already being debugged/);
        await second.tester.dispose();
        // From here on stock debugpy takes no further client either, even once the first has left; the first goes on.
        assert.equal((await first.tester.ask('threads')).success, true);
        assert.ok(isAlive(pid));
      });
    }

    for (const kind of ['idle', 'spinning', 'blocked', 'never_resting', 'crowded', 'trio', 'uvloop']) {
      it(`by process id to a program that runs already: ${kind}`, async () => {
        const pid = await ready(run(program('attachable.py'), kind));
        const one = await attached({ request: 'attach', processId: pid });
        await seesTasks(one, pid);
        await within(2_000, 'disconnect', one.tester.ask('disconnect', { terminateDebuggee: false }));
        await one.tester.dispose();
        assert.ok(isAlive(pid), 'the program goes on');
      });
    }

    it('by process id stops at breakpoints, and leaves a program that goes on', async () => {
      const file = program('forever.py');
      const pid = await ready(run(file));
      const configuration = { request: 'attach', processId: String(pid) };
      const one = session(configuration);
      const breakpoints = { source: { path: file }, breakpoints: [{ line: marker(file, 'tick') }] };
      await one.tester.start('attach', configuration, () => one.tester.ask('setBreakpoints', breakpoints));
      await one.tester.event('stopped');
      await one.tester.ask('disconnect', { terminateDebuggee: false });
      await one.tester.dispose();
      assert.ok(isAlive(pid));
    });

    it('by process id: what cannot be attached to is told at once, with the reason', async () => {
      const sleeper = spawn('sleep', ['100']);
      programs.push(sleeper);
      for (const [pid, reason] of [
        [sleeper.pid!, /exports no Python functions/],
        [4_194_303, /There is no process 4194303/],
      ] as const) {
        const configuration = { request: 'attach', processId: pid };
        const began = Date.now();
        const response = await session(configuration).tester.start('attach', configuration);
        assert.equal(response.success, false);
        assert.match(response.body.error.format, reason);
        assert.ok(Date.now() - began < 10_000, 'before debugpy gives up');
      }
    });
  });
});
