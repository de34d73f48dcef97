/** The whole way, as a user goes it: open, break, run, look, follow, continue, end. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PATIENCE_MS, root, Workbench } from './workbench';

const PROGRAM = 'test/host/workspace/cross_task.py';
const marker = (tag: string) =>
  readFileSync(join(root, PROGRAM), 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(`# @${tag}`)) + 1;

describe('a program that misbehaves', () => {
  let workbench: Workbench;
  before(async () => {
    workbench = await Workbench.open({
      from: 'test/host/workspace',
      configurations: [{ name: 'Cross task', program: '${workspaceFolder}/cross_task.py' }],
    });
  });
  after(() => workbench.close());
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.screenshot(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
  });

  it('is opened, and the view in Run and Debug says what to do', async () => {
    await workbench.openFile('cross_task.py');
    await workbench.showRunAndDebug();
    await workbench.expand('Async Health');
    await workbench.section('Async Health').getByText('Debug Python File').first().waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('1-welcome');
  });

  it('gets a breakpoint by a click into the gutter, and stops there on F5', async () => {
    await workbench.clickGutter(marker('left'));
    await workbench.breakpoints.first().waitFor({ timeout: PATIENCE_MS });
    await workbench.page.keyboard.press('F5');
    await workbench.waitForStop();
    await workbench.section('Call Stack').getByText('close', { exact: true }).waitFor({ timeout: PATIENCE_MS });
    await workbench
      .section('Call Stack')
      .getByText(/awaited by/)
      .waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('2-stopped');
  });

  it('shows its tasks in the panel while it is stopped', async () => {
    await workbench.command('Async Health: Show Async Health');
    await workbench.panel.getByRole('tab', { name: /Tasks/ }).click();
    await workbench.panel.getByText('closer').first().waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('3-panel-while-stopped');
  });

  it('shows the finding in the panel once it has happened', async () => {
    await workbench.page.keyboard.press('F5');
    await workbench.panel.getByRole('tab', { name: /Findings/ }).click();
    await workbench.panel.getByText('cross-task-exit').first().waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('4-finding');
  });

  it('follows a click on the location to the source', async () => {
    const link = workbench.panel.getByText(`cross_task.py:${marker('entered')}`, { exact: true });
    await link.first().click();
    await workbench.atLine(marker('entered'));
    await workbench.screenshot('5-source');
  });

  it('has a squiggle, a row in Problems and one in the view', async () => {
    await workbench.page.locator('.squiggly-error').first().waitFor({ timeout: PATIENCE_MS });
    // Its incident's root, under which the others are.
    const view = workbench.section('Async Health');
    for (const other of ['Variables', 'Watch', 'Breakpoints']) await workbench.fold(other);
    await view.locator('.monaco-list-row', { hasText: 'scope-outlives-task' }).locator('.monaco-tl-twistie').click();
    await view.getByText('cross-task-exit').first().waitFor({ timeout: PATIENCE_MS });
    await workbench.command('Problems: Focus on Problems View');
    await workbench.page.locator('.markers-panel').getByText('cross-task-exit').first().waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('6-problems');
  });

  it('ends, and the panel keeps what was found', async () => {
    await workbench.page.keyboard.press('Shift+F5');
    await workbench.waitForEnd();
    await workbench.panel.getByText('cross-task-exit').first().waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('7-ended');
  });
});
