/** The whole way, as a user goes it: open, break, run, look, follow, continue, end. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PATIENCE_MS, root, Workbench } from './workbench';

const marker = (file: string, tag: string) =>
  readFileSync(join(root, file), 'utf8')
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

  it('is opened, and offers to be debugged', async () => {
    await workbench.openFile('cross_task.py');
    await workbench.showRunAndDebug();
    const view = workbench.section('Async Health');
    await view.getByText('Debug Python File').first().waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('1-welcome');
  });

  it('gets a breakpoint by a click into the gutter, and stops there on F5', async () => {
    await workbench.clickGutter(marker('test/host/workspace/cross_task.py', 'left'));
    await workbench.breakpoints.first().waitFor({ timeout: PATIENCE_MS });
    await workbench.page.keyboard.press('F5');
    await workbench.waitForStop();
    await workbench.screenshot('2-stopped');
    assert.match(await workbench.section('Call Stack').innerText(), /close/);
  });

  it('shows the finding in the panel once it has happened', async () => {
    await workbench.command('Async Health: Show Async Health');
    await workbench.panel.locator('body').waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('3-panel-while-stopped');
    await workbench.page.keyboard.press('F5');
    await workbench.panel.getByText('cross-task-exit').first().waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('4-finding');
  });
});
