/** The package as a user gets it: installed into a VS Code of its own, a folder without launch.json, F5. Nothing comes from this repository. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PATIENCE_MS, root, Workbench } from './workbench';

const PROGRAM = `import asyncio


class Account:
    def __init__(self):
        self.lock = asyncio.Lock()


async def transfer(source, target):
    async with source.lock:
        await asyncio.sleep(0.01)
        async with target.lock:
            pass


async def main():
    anna, ben = Account(), Account()
    await asyncio.gather(transfer(anna, ben), transfer(ben, anna))


asyncio.run(main())
`;
const lineOf = (text: string) => PROGRAM.split('\n').findIndex((line) => line.includes(text)) + 1;

describe('the packaged extension, installed', () => {
  const folder = mkdtempSync(join(tmpdir(), 'async-health-e2e-installed-'));
  const workspace = join(folder, 'bank');
  let server: ChildProcess;
  let address: string;
  let workbench: Workbench | undefined;

  before(async function () {
    this.timeout(180_000);
    const vsix = join(folder, 'async-health.vsix');
    const made = spawnSync(process.execPath, ['scripts/package.mjs', '--out', vsix], { cwd: root, encoding: 'utf8' });
    assert.equal(made.status, 0, made.stdout + made.stderr);
    // What a user's folder has: a program and its environment.
    const environment = dirname(dirname(process.env.ASYNC_HEALTH_PYTHON!));
    mkdirSync(workspace);
    symlinkSync(environment, join(workspace, '.venv'));
    writeFileSync(join(workspace, 'bank.py'), PROGRAM);
    const { ASYNC_HEALTH_PYTHON: _, ...env } = process.env;
    server = spawn(process.execPath, ['scripts/vscode-server.mjs', 'start', workspace, '--vsix', vsix], { cwd: root, env });
    address = await new Promise((resolve, reject) => {
      let output = '';
      const read = (data: Buffer) => {
        output += data;
        const found = /^(http:\S+)$/m.exec(output);
        if (found) resolve(found[1]!);
      };
      server.stdout!.on('data', read);
      server.stderr!.on('data', read);
      server.on('exit', (code) => reject(new Error(`the server ended with ${code}:\n${output}`)));
    });
  });
  after(async () => {
    await workbench?.close();
    if (server && server.exitCode === null) {
      const ended = new Promise((resolve) => server.on('exit', resolve));
      server.kill('SIGTERM');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench?.screenshot(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
  });

  it('debugs on F5 without a launch.json: the diagnosis in the panel, its tasks in Call Stack', async () => {
    workbench = await Workbench.visit(address, { size: { width: 1400, height: 900 } });
    await workbench.openFile('bank.py');
    await workbench.page.keyboard.press('Control+Shift+D');
    await workbench.section('Async Health').waitFor({ timeout: PATIENCE_MS }); // it is activated: F5 is answered by it
    await workbench.page.keyboard.press('F5');
    const card = workbench.panel.locator('.card', { hasText: 'lock-deadlock' });
    await card.waitFor({ timeout: PATIENCE_MS });
    for (const place of ['async with source.lock', 'async with target.lock'])
      await card
        .getByText(`bank.py:${lineOf(place)}`, { exact: true })
        .first()
        .waitFor({ timeout: PATIENCE_MS });
    await workbench.command('Debug: Pause');
    const callStack = workbench.section('Call Stack');
    for (const task of ['Task-1 main', 'Task-2 transfer', 'Task-3 transfer'])
      await callStack.locator('.monaco-list-row', { hasText: task }).first().waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('installed');
    await workbench.page.keyboard.press('Shift+F5');
    await workbench.waitForEnd();
  });

  it('has its sample program with it', async () => {
    await workbench!.command('Async Health: Debug a Sample Program');
    await workbench!.editorTab('async_health_sample.py').waitFor({ timeout: PATIENCE_MS });
    await workbench!.panel.locator('.card', { hasText: 'never-awaited' }).first().waitFor({ timeout: PATIENCE_MS });
    await workbench!.screenshot('sample');
    await workbench!.page.keyboard.press('Shift+F5');
    await workbench!.waitForEnd();
  });
});
