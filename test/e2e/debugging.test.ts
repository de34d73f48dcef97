/** Debugging by mouse and keyboard: Call Stack's menu on a task, stop on violation, `await` in the Debug Console, attach from the list. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PATIENCE_MS, root, Workbench } from './workbench';

const SERVER = { name: 'Server', program: '${workspaceFolder}/server.py' };
const CROSS_TASK = { name: 'Cross task', program: '${workspaceFolder}/cross_task.py' };

const marker = (file: string, tag: string) =>
  readFileSync(join(root, 'test/host/workspace', file), 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(`# @${tag}`)) + 1;

describe('debugging by hand', () => {
  let workbench: Workbench;
  const programs: ChildProcess[] = [];
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.screenshot(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
    await workbench.close();
    for (const program of programs.splice(0)) program.kill('SIGKILL');
  });

  const open = async (configurations: Record<string, unknown>[], file: string) => {
    workbench = await Workbench.open({ from: 'test/host/workspace', configurations });
    await workbench.openFile(file);
    await workbench.showRunAndDebug();
  };
  const callStack = () => workbench.section('Call Stack');
  const task = (name: string) => callStack().locator('.monaco-list-row', { hasText: name }).first();
  /** Right-click, and a click on the entry of the menu. */
  const choose = async (name: string, entry: string) => {
    await task(name).click({ button: 'right' });
    const item = workbench.page.locator('.monaco-menu .action-item', { hasText: entry }).first();
    await item.waitFor({ timeout: PATIENCE_MS });
    await workbench.page.waitForTimeout(300); // a menu that has just come takes no click
    await workbench.screenshot('callstack-menu');
    await item.click();
  };

  it("a task's menu in Call Stack: break when it resumes, where it was created, cancel with a confirmation", async () => {
    await open([SERVER], 'server.py');
    for (const other of ['Variables', 'Watch', 'Breakpoints']) await workbench.fold(other);
    await workbench.page.keyboard.press('F5');
    await workbench.page.locator('.repl').getByText('serving').first().waitFor({ timeout: PATIENCE_MS });
    await workbench.command('Debug: Pause');
    await task('beat-1').waitFor({ timeout: PATIENCE_MS });
    await choose('beat-1', 'Break When Task Resumes');
    await workbench.command('Debug: Continue');
    await workbench.waitForStop();
    await workbench.screenshot('callstack-stopped-in-task');
    const first = callStack()
      .locator('.monaco-list-row', { hasText: /^beat-1 / })
      .first();
    await first.getByText('Paused').waitFor({ timeout: PATIENCE_MS });

    await choose('beat-2', 'Go to Where Task Was Created');
    await workbench.atLine(marker('server.py', 'created'));

    await choose('beat-0', 'Cancel Task');
    const dialog = workbench.dialog(/Cancel beat-0/);
    await dialog.waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('cancel-task');
    await dialog.getByRole('button', { name: 'Cancel Task' }).click();
    await workbench.statusBar('beat-0 beat was asked to cancel').waitFor({ timeout: PATIENCE_MS });
    // It takes effect once the program goes on; nobody catches it there.
    await workbench.command('Debug: Continue');
    await workbench.page
      .locator('.exception-widget')
      .getByText(/CancelledError/)
      .first()
      .waitFor({ timeout: PATIENCE_MS });
  });

  it('"Async: errors" in the Breakpoints view stops where it goes wrong, and the exception widget says how to repair it', async () => {
    await open([CROSS_TASK], 'cross_task.py');
    // The filters are there once a session of that type has begun.
    await workbench.page.keyboard.press('F5');
    for (const other of ['Variables', 'Watch', 'Call Stack']) await workbench.fold(other);
    await workbench.expand('Breakpoints');
    const filter = workbench.section('Breakpoints').locator('.monaco-list-row', { hasText: 'Async: errors' });
    await filter.waitFor({ timeout: PATIENCE_MS });
    await workbench.page.keyboard.press('Shift+F5');
    await workbench.waitForEnd();
    await filter.getByRole('checkbox').click();
    await workbench.page.keyboard.press('F5');
    await workbench.waitForStop();
    const widget = workbench.page.locator('.exception-widget');
    await widget.waitFor({ timeout: PATIENCE_MS });
    await widget.getByText(/Fix: /).waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('stop-on-violation');
    const text = await widget.innerText();
    assert.match(text, /cross-task-exit/);
    assert.match(text, /opener/);
    assert.match(text, /entered here/);
    await workbench.atLine(marker('cross_task.py', 'left'));
  });

  it('await typed into the Debug Console gives its result', async () => {
    await open([SERVER], 'server.py');
    await workbench.page.keyboard.press('F5');
    const repl = workbench.page.locator('.repl');
    await repl.getByText('serving').first().waitFor({ timeout: PATIENCE_MS });
    await workbench.command('Debug Console: Focus on Debug Console View');
    const type = async (text: string) => {
      await workbench.page.keyboard.type(text);
      await workbench.page.keyboard.press('Escape'); // no suggestion is to be taken
      await workbench.page.keyboard.press('Enter');
    };
    await type("await asyncio.sleep(0.1, 'slept well')");
    await repl.getByText("'slept well'", { exact: true }).first().waitFor({ timeout: PATIENCE_MS });
    await type('await asyncio.wait_for(asyncio.sleep(9), 0.05)');
    await repl
      .getByText(/TimeoutError/)
      .first()
      .waitFor({ timeout: PATIENCE_MS });
    // Paused: what needs the loop is kept, and a notification offers to go on until it is done.
    await workbench.command('Debug: Pause');
    await task('beat-1').waitFor({ timeout: PATIENCE_MS });
    await task('MainThread').click();
    await workbench.command('Debug Console: Focus on Debug Console View');
    await type("await asyncio.sleep(0.2, 'in the end')");
    await repl.getByText(/its result will be shown here/).waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('await-paused');
    const notification = await workbench.notification(/needs the event loop/);
    await notification.getByRole('button', { name: 'Resume Until Done' }).click();
    await repl.getByText(/→ 'in the end'/).waitFor({ timeout: PATIENCE_MS });
    await task('MainThread').getByText('Paused').waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('await-done');
  });

  it('attaches to a program that runs already, chosen from the list of processes', async () => {
    const program = spawn(process.env.ASYNC_HEALTH_PYTHON ?? 'python3', [join(root, 'test/host/workspace/server.py')], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    programs.push(program);
    await once(program.stdout!, 'data');
    workbench = await Workbench.open({ from: 'test/host/workspace', configurations: [] });
    await workbench.openFile('server.py');
    await workbench.command('Async Health: Attach to Process');
    await workbench.page.locator('.quick-input-list .monaco-list-row').first().waitFor({ timeout: PATIENCE_MS });
    await workbench.page.keyboard.type(String(program.pid)); // others may have begun since
    const row = workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: 'python server.py' });
    await row.waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('pick-process');
    await row.click();
    await workbench.toolbar.waitFor({ timeout: PATIENCE_MS });
    await workbench.command('Async Health: Show Async Health');
    await workbench.panel.getByRole('tab', { name: /Tasks/ }).click();
    await workbench.panel.getByText('beat-2').first().waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('attached');
    await workbench.page.keyboard.press('Shift+F5');
    await workbench.waitForEnd();
    assert.equal(program.exitCode, null, 'the program goes on');
  });
});
