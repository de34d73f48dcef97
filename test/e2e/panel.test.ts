/** The panel in all the situations it may be opened in, and what goes wrong around it. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Locator } from 'playwright-core';
import { PATIENCE_MS, Workbench } from './workbench';

const CROSS_TASK = { name: 'Cross task', program: '${workspaceFolder}/cross_task.py' };
const SERVER = { name: 'Server', program: '${workspaceFolder}/server.py' };

async function expectValue(input: Locator, value: RegExp): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (!value.test(await input.inputValue())) {
    if (Date.now() > end) throw new Error(`The input never said ${value}, but ${await input.inputValue()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe('the panel', () => {
  let workbench: Workbench;
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.screenshot(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
    await workbench.close();
  });
  const open = async (configurations: Record<string, unknown>[], settings: Record<string, unknown> = {}) => {
    workbench = await Workbench.open({ from: 'test/host/workspace', configurations, settings });
    await workbench.openFile('cross_task.py');
  };
  const show = () => workbench.command('Async Health: Show Async Health');
  const finding = () => workbench.panel.getByText('cross-task-exit').first().waitFor({ timeout: PATIENCE_MS });

  it('opened before a session says how to start, then follows the session', async () => {
    await open([CROSS_TASK]);
    await show();
    await workbench.panel
      .getByText(/Start Debugging/i)
      .first()
      .waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('panel-before');
    await workbench.page.keyboard.press('F5');
    await finding();
  });

  it('opened after the end still shows what was found', async () => {
    await open([CROSS_TASK], { 'asyncHealth.openPanelOnStart': 'never' });
    await workbench.page.keyboard.press('F5');
    await workbench.page.locator('.squiggly-error').first().waitFor({ timeout: PATIENCE_MS });
    await workbench.page.keyboard.press('Shift+F5');
    await workbench.waitForEnd();
    await show();
    await finding();
    await workbench.screenshot('panel-after');
  });

  it('says of a program that failed without a finding how it ended and where to look', async () => {
    await open([{ name: 'Broken', program: '${workspaceFolder}/broken.py' }]);
    await show();
    await workbench.page.keyboard.press('F5');
    for (const text of [/ended with exit code 1 /, 'No finding explains the failure']) {
      await workbench.panel.getByText(text).first().waitFor({ timeout: PATIENCE_MS });
    }
    assert.equal(await workbench.panel.getByText('Nothing found wrong').count(), 0);
    await workbench.screenshot('panel-failed');
  });

  it('comes up by the button of the notification', async () => {
    await open([CROSS_TASK], { 'asyncHealth.openPanelOnStart': 'never' });
    await workbench.page.keyboard.press('F5');
    const notification = await workbench.notification(/task/);
    await workbench.screenshot('notification');
    await notification.getByRole('button', { name: 'Show', exact: true }).click();
    await finding();
  });

  it('opens by itself beside the editor, and not again once it was closed', async () => {
    await open([CROSS_TASK]);
    await workbench.page.keyboard.press('F5');
    await finding();
    assert.equal(await workbench.editorTab('cross_task.py').isVisible(), true, 'the source is still there');
    await workbench.editorTab('Async Health').getByRole('button', { name: /Close/ }).click();
    await workbench.page.keyboard.press('Shift+F5');
    await workbench.waitForEnd();
    await workbench.page.keyboard.press('F5');
    await workbench.page.locator('.squiggly-error').first().waitFor({ timeout: PATIENCE_MS });
    assert.equal(await workbench.editorTab('Async Health').count(), 0, 'it came back although the user had closed it');
  });

  it('survives being hidden behind another editor, and a reload of the window', async () => {
    await open([CROSS_TASK]);
    await workbench.page.keyboard.press('F5');
    await show();
    await finding();
    await workbench.openFile('fetch.py');
    await workbench.editorTab('Async Health').click();
    await finding();
    await workbench.reload();
    // The session ended with the window's extension host; the panel comes back empty and ready, not broken.
    await workbench.editorTab('Async Health').first().click();
    await workbench.panel
      .getByText(/Start Debugging/i)
      .first()
      .waitFor({ timeout: PATIENCE_MS });
  });

  it('shows two sessions and switches between them', async () => {
    await open([CROSS_TASK, SERVER]);
    await workbench.page.keyboard.press('F5');
    await show();
    await finding();
    await workbench.startConfiguration('Server');
    const choice = workbench.panel.getByRole('option', { name: /Server/, includeHidden: true });
    await choice.first().waitFor({ state: 'attached', timeout: PATIENCE_MS });
    await workbench.command('Async Health: Select Process');
    await workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: 'Server' }).click();
    await workbench.panel.getByRole('tab', { name: /Tasks/ }).click();
    await workbench.panel.getByText('beat-1').first().waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('panel-two-sessions');
  });

  it('saves a report where the user says', async () => {
    await open([CROSS_TASK]);
    await workbench.page.keyboard.press('F5');
    await show();
    await finding();
    await workbench.command('Async Health: Save Report…');
    await workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: 'JSON' }).click();
    const input = workbench.page.locator('.quick-input-widget input.input');
    await expectValue(input, /async-health-report\.json$/);
    const target = join(workbench.folder, 'saved-report.json');
    await input.fill(target);
    await input.press('Enter');
    await workbench.notification(/Saved/);
    assert.ok(existsSync(target));
    const report = JSON.parse(readFileSync(target, 'utf8'));
    assert.equal(report.version, 1);
    assert.ok(report.findings.some((one: { code: string }) => one.code === 'cross-task-exit'));
  });

  it('cancels a task after asking', async () => {
    await open([SERVER]);
    await workbench.page.keyboard.press('F5');
    await show();
    await workbench.panel.getByRole('tab', { name: /Tasks/ }).click();
    await workbench.panel.getByText('beat-1').first().click({ button: 'right' });
    await workbench.panel
      .getByText(/Cancel Task/)
      .first()
      .click();
    const dialog = workbench.dialog(/Cancel beat-1\?/);
    await dialog.waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('panel-cancel');
    await dialog.getByRole('button', { name: 'Cancel Task' }).click();
    // Nobody catches it: gather() fails, and the debugger stops at the uncaught exception.
    await workbench.waitForStop();
    await workbench.page
      .getByText(/CancelledError/)
      .first()
      .waitFor({ timeout: PATIENCE_MS });
  });
});

describe('faults, as the user meets them', () => {
  let workbench: Workbench;
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.screenshot(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
    await workbench.close();
  });

  it('no Python: says what was looked for, with a button', async () => {
    workbench = await Workbench.open({ from: 'test/host/workspace', configurations: [{ ...CROSS_TASK, python: '/nowhere/python3' }] });
    await workbench.openFile('cross_task.py');
    await workbench.page.keyboard.press('F5');
    const dialog = workbench.dialog('/nowhere/python3');
    await dialog.waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('fault-no-python');
    await dialog.getByRole('button', { name: 'Select Interpreter' }).click();
    await workbench.notification('Stand-in: select interpreter');
  });

  it('F5 with no launch.json debugs the file that is open', async () => {
    workbench = await Workbench.open({ from: 'test/host/workspace', configurations: [] });
    await workbench.openFile('fetch.py');
    await workbench.clickGutter(10);
    await workbench.page.keyboard.press('F5');
    // Two debuggers know Python here, ours and the stand-in of the Python Debugger, so VS Code asks.
    await workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: 'Python: Async' }).first().click();
    await workbench.waitForStop();
    await workbench.screenshot('no-launch-json');
  });

  it('the button in the editor debugs the file', async () => {
    workbench = await Workbench.open({ from: 'test/host/workspace', configurations: [] });
    await workbench.openFile('fetch.py');
    await workbench.clickGutter(10);
    await workbench.command('Async Health: Debug Python File');
    await workbench.waitForStop();
  });

  it('an empty launch configuration offers the snippets', async () => {
    workbench = await Workbench.open({ from: 'test/host/workspace', configurations: [CROSS_TASK] });
    await workbench.openFile('launch.json');
    await workbench.page.keyboard.press('Control+End');
    await workbench.command('Debug: Add Configuration...');
    await workbench.page.locator('.suggest-widget.visible').waitFor({ timeout: PATIENCE_MS });
    await workbench.page.keyboard.type('Python: Async');
    await workbench.page.locator('.suggest-widget', { hasText: 'Python: Async' }).first().waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('snippets');
  });
});
