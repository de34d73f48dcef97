/** A real service (FastAPI under uvicorn) as its author meets it: F5 without a launch.json, requests, a finding, the end, once more. */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { PATIENCE_MS, root, Workbench } from './workbench';

const lines = readFileSync(join(root, 'test/e2e/service/app/main.py'), 'utf8').split('\n');
const marker = (tag: string) => lines.findIndex((line) => line.includes(`# @${tag}`)) + 1;

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

describe('a web service', () => {
  let workbench: Workbench;
  let address: string;
  /** Requests that never get an answer. */
  const hanging = new AbortController();

  /** The answer, once the service is up. */
  async function get(path: string): Promise<unknown> {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      try {
        return await (await fetch(address + path, { signal: AbortSignal.timeout(5_000) })).json();
      } catch (error) {
        if (Date.now() > until) throw error;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    }
  }

  before(async () => {
    workbench = await Workbench.open({ from: 'test/e2e/service', configurations: [] });
    const port = await freePort();
    address = `http://127.0.0.1:${port}`;
    writeFileSync(join(workbench.folder, '.env'), `UVICORN_PORT=${port}\n`);
  });
  after(async () => {
    hanging.abort();
    await workbench.close();
  });
  afterEach(async function () {
    if (this.currentTest?.state === 'failed') await workbench.screenshot(`failed-${this.currentTest.title.replace(/\W+/g, '-')}`);
  });

  const shown = (text: string | RegExp) => workbench.panel.getByText(text).first().waitFor({ timeout: PATIENCE_MS });

  it('is started by uvicorn on F5, and serves', async () => {
    await workbench.openFile('main.py');
    await workbench.page.keyboard.press('F5');
    // VS Code asks, because the Python Debugger is there as well.
    await workbench.page.locator('.quick-input-list .monaco-list-row', { hasText: 'Python: Async' }).first().click();
    assert.deepEqual(await get('/health'), { ok: true });
    await workbench.command('Async Health: Show Async Health');
    await shown(/uvicorn app\.main:app/);
  });

  it('has its client among the sessions, and nothing wrong while it works', async () => {
    for (let request = 0; request < 5; request++) assert.deepEqual(await get('/relay'), { ok: true });
    await workbench.panel.getByRole('tab', { name: /Sessions/ }).click();
    await shown('httpx.AsyncClient');
    await workbench.panel.getByRole('tab', { name: /Findings/ }).click();
    assert.equal(await workbench.panel.locator('.card.error, .card.warning').count(), 0);
    await workbench.screenshot('service-healthy');
  });

  it('deadlocks by two requests: both tasks, all four places and the fix are told, and the rest goes on', async () => {
    for (const path of ['/pay', '/refund']) fetch(address + path, { signal: hanging.signal }).catch(() => {});
    await shown('lock-deadlock');
    const card = workbench.panel.locator('.card', { hasText: 'lock-deadlock' });
    for (const tag of ['pay holds', 'pay waits', 'refund holds', 'refund waits']) {
      await card.getByText(`main.py:${marker(tag)}`, { exact: true }).waitFor({ timeout: PATIENCE_MS });
    }
    await card.getByText(/^Fix:/).waitFor({ timeout: PATIENCE_MS });
    assert.ok((await card.locator('.places .where .link.quiet').count()) >= 4, 'each place names its task');
    assert.deepEqual(await get('/health'), { ok: true });
    await workbench.statusBar('1').first().waitFor({ timeout: PATIENCE_MS });
    await workbench.screenshot('service-deadlock');
    await card.getByText(`main.py:${marker('refund waits')}`, { exact: true }).click();
    await workbench.atLine(marker('refund waits'));
  });

  it('can be read after the end, and started again', async () => {
    await workbench.page.keyboard.press('Shift+F5');
    await shown(/The program ended after/);
    await shown('lock-deadlock');
    await workbench.screenshot('service-ended');
    await workbench.panel.getByRole('button', { name: 'Debug Again' }).click();
    assert.deepEqual(await get('/health'), { ok: true });
    await shown(/Live/);
    await workbench.page.keyboard.press('Shift+F5');
    await workbench.waitForEnd();
  });
});
