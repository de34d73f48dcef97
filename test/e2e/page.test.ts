/** The panel's page by itself, in Chromium, on the real model replaying a recording of the order service. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Frame, type FrameLocator, type Page } from 'playwright-core';

const root = process.env.AH_E2E_ROOT!;
const PATIENCE_MS = 20_000;

/** Runs the sample under the debugger and keeps what the probe said. */
function record(file: string): void {
  const args = [join(root, 'dist/cli.js'), 'run', '--python', process.env.ASYNC_HEALTH_PYTHON!, '--record', file, '--timeout', '8'];
  const { status, stderr } = spawnSync(process.execPath, [...args, join(root, 'test/samples/order_service.py')], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  assert.notEqual(status, null, `recording did not end: ${stderr}`);
}

interface Action {
  do: string;
  [key: string]: unknown;
}

/** scripts/panel-harness.mjs as a process. */
class Harness {
  readonly actions: Action[] = [];
  errors = '';
  private constructor(
    private readonly process: ChildProcess,
    readonly url: string,
  ) {}

  static async start(args: string[]): Promise<Harness> {
    const child = spawn(process.execPath, [join(root, 'scripts/panel-harness.mjs'), ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    let harness: Harness | undefined;
    let text = '';
    let errors = '';
    child.stderr!.on('data', (data) => {
      errors += data;
      if (harness) harness.errors += data;
    });
    return new Promise((resolve, reject) => {
      child.once('exit', (code) => reject(new Error(`the harness ended with ${code}: ${errors}`)));
      child.stdout!.on('data', (data) => {
        text += data;
        const lines = text.split('\n');
        text = lines.pop() ?? '';
        for (const line of lines) {
          const url = /The panel is at (\S+)/.exec(line)?.[1];
          if (url) {
            harness = new Harness(child, url);
            resolve(harness);
          }
          if (line.startsWith('action: ')) harness?.actions.push(JSON.parse(line.slice('action: '.length)));
        }
      });
    });
  }

  async action(kind: string): Promise<Action> {
    for (let waited = 0; waited < PATIENCE_MS; waited += 50) {
      const found = this.actions.find((action) => action.do === kind);
      if (found) return found;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`no action "${kind}" came; there were ${JSON.stringify(this.actions)}`);
  }

  stop(): void {
    this.process.kill();
  }
}

describe('the page of the panel', () => {
  const folder = mkdtempSync(join(tmpdir(), 'async-health-page-'));
  let browser: Browser;
  /** A recording that has ended. */
  let recorded: Harness;
  /** A made-up program of 2,000 tasks that runs on. */
  let running: Harness;
  let harness: Harness;
  let page: Page;
  /** What the console said that it should not have. */
  let complaints: string[];
  /** Messages from the page to its host. */
  let sent: { type: string }[];

  const inside = (): FrameLocator => page.frameLocator('#frame');
  const frame = (): Frame => page.frames().find((one) => one.url().includes('/frame'))!;

  async function open(query = '', size = { width: 1200, height: 800 }): Promise<void> {
    page = await browser.newPage({ viewport: size });
    complaints = [];
    sent = [];
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    page.on('request', (request) => {
      if (request.url().endsWith('/message')) sent.push(request.postDataJSON());
    });
    await page.goto(harness.url + query);
  }

  before(async () => {
    const recording = join(folder, 'orders.jsonl');
    record(recording);
    recorded = await Harness.start(['--recording', recording, '--speed', '50']);
    running = await Harness.start(['--tasks', '2000', '--changes', '1000']);
    browser = await chromium.connect(process.env.AH_E2E_BROWSER!);
    mkdirSync(join(root, 'test/e2e/screenshots'), { recursive: true });
  });
  after(() => {
    recorded?.stop();
    running?.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  beforeEach(() => {
    harness = recorded;
    harness.actions.length = 0;
    harness.errors = '';
  });
  afterEach(async () => {
    await page?.close();
  });

  for (const theme of ['dark', 'light', 'hc-dark', 'hc-light']) {
    it(`draws every section in ${theme} within the policy of the page, without a complaint`, async () => {
      await open(`?theme=${theme}`);
      await inside().getByText('cross-task-exit').first().waitFor({ timeout: PATIENCE_MS });
      for (const tab of ['Tasks', 'Scopes', 'Locks', 'Sessions', 'Loop', 'Debug', 'Findings']) {
        await inside()
          .getByRole('tab', { name: new RegExp(`^${tab}`) })
          .click();
        await inside().locator(`ah-${tab.toLowerCase()}`).waitFor({ timeout: PATIENCE_MS });
      }
      await page.screenshot({ path: join(root, `test/e2e/screenshots/page-${theme}.png`) });
      assert.deepEqual(complaints, []);
      assert.equal(harness.errors, '');
    });
  }

  it('fits a side bar of 300 px without scrolling sideways', async () => {
    await open('?place=view', { width: 300, height: 700 });
    await inside().getByText('cross-task-exit').first().waitFor({ timeout: PATIENCE_MS });
    for (const tab of ['Findings', 'Tasks', 'Locks']) {
      await inside()
        .getByRole('tab', { name: new RegExp(`^${tab}`) })
        .click();
      const wide = await frame().evaluate(() => document.documentElement.scrollWidth);
      assert.ok(wide <= 300, `${tab} is ${wide} px wide`);
    }
  });

  it('opens the source of a finding, shows its task, and copies it', async () => {
    await open();
    await inside().locator('ah-findings .places .link').first().click({ timeout: PATIENCE_MS });
    const { location } = (await harness.action('open')) as unknown as { location: { file: string; line: number } };
    assert.match(location.file, /order_service\.py$/);
    assert.ok(location.line > 1);
    await inside().getByRole('button', { name: 'Copy the finding' }).first().click();
    assert.match(String((await harness.action('copy')).text), /fix: /);
    await inside().locator('ah-findings .places .task .link').first().click();
    await inside().locator('ah-tasks .row.selected').waitFor({ timeout: PATIENCE_MS });
  });

  it('walks the task tree by keyboard', async () => {
    await open();
    await inside()
      .getByRole('tab', { name: /^Tasks/ })
      .click();
    const tree = inside().getByRole('treegrid', { name: 'Task tree' });
    await inside().locator('ah-tasks .row[data-index="1"]').waitFor({ timeout: PATIENCE_MS });
    await tree.focus();
    await page.keyboard.press('Home');
    const rows = Number(await tree.getAttribute('aria-rowcount'));
    await page.keyboard.press('ArrowLeft');
    const closed = inside().locator('ah-tasks .row[data-index="0"][aria-expanded="false"]');
    await closed.waitFor({ timeout: PATIENCE_MS });
    // The row itself shows it at once, its children go with the host's answer.
    await inside().locator('ah-tasks .row[data-index="1"]').waitFor({ state: 'detached', timeout: PATIENCE_MS });
    assert.ok(Number(await tree.getAttribute('aria-rowcount')) < rows);
    await page.keyboard.press('ArrowRight');
    await inside().locator('ah-tasks .row[data-index="1"]').waitFor({ timeout: PATIENCE_MS });
    await page.keyboard.press('ArrowDown');
    await page.keyboard.press('Enter');
    await harness.action('open');
    await page.keyboard.press('Shift+F10');
    await inside().getByRole('menuitem', { name: 'Copy Name' }).click();
    await harness.action('copy');
  });

  it('keeps tab, filter and order over a reload', async () => {
    await open();
    await inside()
      .getByRole('tab', { name: /^Tasks/ })
      .click();
    await inside().locator('ah-tasks vscode-text-field').click();
    await page.keyboard.type('nightly');
    await inside()
      .locator('ah-tasks .count')
      .getByText(/^\d+ of \d+$/)
      .waitFor({ timeout: PATIENCE_MS });
    await inside().getByRole('columnheader', { name: 'Age' }).getByRole('button').click();
    await inside().locator('ah-tasks [aria-sort="descending"]').waitFor({ timeout: PATIENCE_MS });
    await page.waitForTimeout(400);
    await frame().evaluate(() => location.reload());
    await inside().locator('ah-tasks [aria-sort="descending"]').waitFor({ timeout: PATIENCE_MS });
    assert.equal(await inside().locator('ah-tasks input').inputValue(), 'nightly');
  });

  it('stands garbage: says so, reports it, goes on', async () => {
    await open();
    await inside().getByText('cross-task-exit').first().waitFor({ timeout: PATIENCE_MS });
    await frame().evaluate(() => {
      for (const garbage of [null, 7, 'x', { type: 'cat' }, { type: 'delta', seq: 'x' }]) window.postMessage(garbage, '*');
    });
    await inside().getByText('could not be read').waitFor({ timeout: PATIENCE_MS });
    assert.ok(await inside().getByText('cross-task-exit').first().isVisible());
    assert.ok(sent.some(({ type }) => type === 'error'));
    await inside().getByRole('button', { name: 'Dismiss' }).click();
    await inside().getByText('could not be read').waitFor({ state: 'detached', timeout: PATIENCE_MS });
  });

  it('asks for a snapshot when a change is missing', async () => {
    await open();
    await inside().getByText('cross-task-exit').first().waitFor({ timeout: PATIENCE_MS });
    const before = sent.filter(({ type }) => type === 'ready').length;
    await frame().evaluate(() => window.postMessage({ type: 'delta', seq: 1e9 }, '*'));
    for (let waited = 0; sent.filter(({ type }) => type === 'ready').length === before; waited += 50) {
      assert.ok(waited < PATIENCE_MS, 'no new snapshot was asked for');
      await page.waitForTimeout(50);
    }
    await inside().getByText('cross-task-exit').first().waitFor({ timeout: PATIENCE_MS });
  });

  it('says and does nothing while it is hidden, and is back at once', async () => {
    await open();
    await inside()
      .getByRole('tab', { name: /^Tasks/ })
      .click();
    await inside().locator('ah-tasks .row').first().waitFor({ timeout: PATIENCE_MS });
    const show = (state: string) =>
      frame().evaluate((value) => {
        Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => value });
        document.dispatchEvent(new Event('visibilitychange'));
      }, state);
    await show('hidden');
    await page.waitForTimeout(300);
    const quiet = sent.length;
    await page.waitForTimeout(1_000);
    assert.equal(sent.length, quiet);
    await show('visible');
    await inside().locator('ah-tasks .row').first().waitFor({ timeout: PATIENCE_MS });
    assert.ok(sent.slice(quiet).some(({ type }) => type === 'ready'));
  });

  it('changes the detail, saves reports and acts on tasks of a running program', async () => {
    harness = running;
    await open();
    await inside()
      .getByRole('tab', { name: /^Tasks/ })
      .click();
    await inside().getByRole('combobox', { name: 'Detail recorded by the probe' }).click({ timeout: PATIENCE_MS });
    await inside().getByRole('option', { name: 'Full' }).click();
    assert.equal((await harness.action('setDetail')).detail, 'full');
    await inside().getByTitle('Save report or recording').click();
    await inside().getByRole('menuitem', { name: 'Save Report as HTML' }).click();
    assert.equal((await harness.action('saveReport')).format, 'html');
    await inside().locator('ah-tasks .row[data-index="3"]').click({ button: 'right' });
    await inside().getByRole('menuitem', { name: 'Cancel Task' }).click();
    assert.ok(Number((await harness.action('cancelTask')).task) > 0);
    assert.deepEqual(complaints, []);
  });

  it('scrolls through all tasks of a running program and never holds more than it shows', async () => {
    harness = running;
    await open();
    await inside()
      .getByRole('tab', { name: /^Tasks/ })
      .click();
    await inside().locator('ah-tasks .row').first().waitFor({ timeout: PATIENCE_MS });
    const tree = inside().getByRole('treegrid', { name: 'Task tree' });
    for (const part of [0.25, 0.5, 0.75, 1]) {
      await tree.evaluate((element, to) => {
        element.scrollTop = element.scrollHeight * to;
      }, part);
      const rows = Number(await tree.getAttribute('aria-rowcount'));
      // Rows themselves have come there, not only their places.
      const shown = part === 1 ? rows - 6 : Math.floor(rows * part) + 8;
      await inside().locator(`ah-tasks .row[data-index="${shown}"]`).waitFor({ timeout: PATIENCE_MS });
      assert.ok((await inside().locator('ah-tasks .row').count()) < 80);
    }
  });
});
