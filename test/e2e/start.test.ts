/** `npm start`, as a developer runs it: the printed URL opens on a misbehaving program under debugging, with its findings in the panel. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';

import { PATIENCE_MS, root, Workbench } from './workbench';

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

const listens = (port: number) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    }).on('error', () => resolve(false));
  });

/** What the script prints up to and with the URL. */
function urlOf(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let output = '';
    const read = (data: Buffer) => {
      output += data;
      const found = /^\s+(http:\S+)$/m.exec(output);
      if (found) resolve(found[1]!);
    };
    child.stdout!.on('data', read);
    child.stderr!.on('data', read);
    child.on('exit', (code) => reject(new Error(`npm start ended with ${code}:\n${output}`)));
  });
}

describe('npm start', () => {
  let child: ChildProcess;
  let workbench: Workbench | undefined;
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench?.screenshot('failed-start');
    await workbench?.close();
    child.kill('SIGKILL');
  });

  it('prints a URL that opens on the finding, and ends all it started on Ctrl-C', async () => {
    const port = await freePort();
    child = spawn(process.execPath, ['scripts/start.mjs', '--server', '--port', String(port)], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const url = await urlOf(child);
    workbench = await Workbench.visit(url, { size: { width: 1480, height: 920 } });
    await workbench.panel
      .getByText('cross-task-exit')
      .first()
      .waitFor({ timeout: 2 * PATIENCE_MS });
    await workbench.panel
      .getByText('lock-deadlock')
      .first()
      .waitFor({ timeout: 2 * PATIENCE_MS });
    await workbench.toolbar.waitFor({ timeout: PATIENCE_MS });
    await workbench.editorTab('order_service.py').waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('start');
    const pid = Number(
      /\((\d+)\)/.exec(
        await workbench.panel
          .getByText(/\(\d+\)/)
          .first()
          .innerText(),
      )![1],
    );
    process.kill(pid, 0); // it runs
    const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
    child.kill('SIGINT');
    assert.equal(await ended, 0);
    assert.equal(await listens(port), false, 'the server has ended');
    assert.throws(() => process.kill(pid, 0), /ESRCH/, 'the program has ended');
  });
});
