/** The workbench as its user sees it: a page object over VS Code's own markup, nothing of the extension's inside. */
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type FrameLocator, type Locator, type Page } from 'playwright-core';

export const root = process.env.AH_E2E_ROOT!;
const port = process.env.AH_E2E_PORT!;

/** Long, because two cores are shared; what passes never waits for it. */
export const PATIENCE_MS = 30_000;

let browser: Browser | undefined;

export async function launch(): Promise<void> {
  assert.ok(port && process.env.AH_E2E_BROWSER, 'run this suite by scripts/test-e2e.mjs, which starts VS Code and the browser');
  browser ??= await chromium.connect(process.env.AH_E2E_BROWSER);
}

export interface OpenOptions {
  /** Files that are copied into the new workspace: a folder below the repository's root. */
  from: string;
  settings?: Record<string, unknown>;
  /** launch.json's configurations; absent: as copied; empty: no launch.json. */
  configurations?: Record<string, unknown>[];
  size?: { width: number; height: number };
  scale?: number;
}

export class Workbench {
  readonly console: string[] = [];

  private constructor(
    readonly page: Page,
    private readonly context: BrowserContext,
    readonly folder: string,
  ) {}

  static async open({ from, settings, configurations, size = { width: 1400, height: 900 }, scale = 1 }: OpenOptions): Promise<Workbench> {
    await launch();
    const folder = join(mkdtempSync(join(tmpdir(), 'async-health-e2e-workspace-')), 'shop');
    cpSync(join(root, from), folder, { recursive: true });
    mkdirSync(join(folder, '.vscode'), { recursive: true });
    const python = process.env.ASYNC_HEALTH_PYTHON;
    if (configurations) {
      rmSync(join(folder, '.vscode/launch.json'), { force: true });
      const list = configurations.map((one) => ({ type: 'python-async', request: 'launch', python, console: 'internalConsole', ...one }));
      if (list.length > 0)
        writeFileSync(join(folder, '.vscode/launch.json'), JSON.stringify({ version: '0.2.0', configurations: list }, null, 2));
    }
    writeFileSync(join(folder, '.vscode/settings.json'), JSON.stringify({ 'files.autoSave': 'off', ...settings }, null, 2));
    const payload = [
      ['skipWelcome', 'true'],
      ['skipReleaseNotes', 'true'],
      ['extensionDevelopmentPath', `vscode-remote://127.0.0.1:${port}${process.env.AH_E2E_EXTENSION}`],
    ];
    const address = `http://127.0.0.1:${port}/?folder=${encodeURI(folder)}&payload=${encodeURIComponent(JSON.stringify(payload))}`;
    return Workbench.visit(address, { size, scale, folder });
  }

  /** A workbench at any address; `folder`, when given, is removed with it. */
  static async visit(
    address: string,
    { size, scale = 1, folder }: Pick<OpenOptions, 'size' | 'scale'> & { folder?: string },
  ): Promise<Workbench> {
    await launch();
    const context = await browser!.newContext({
      viewport: size,
      deviceScaleFactor: scale,
      permissions: ['clipboard-read', 'clipboard-write'],
    });
    const page = await context.newPage();
    const workbench = new Workbench(page, context, folder ?? '');
    await page.exposeFunction(
      'codeAutomationLog',
      (type: string, args: unknown[]) => void workbench.console.push(`${type}: ${args.join(' ')}`),
    );
    await page.exposeFunction('codeAutomationExit', () => {});
    await page.goto(address);
    await page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: 60_000 });
    return workbench;
  }

  async close(): Promise<void> {
    await this.context.close();
    if (this.folder) rmSync(join(this.folder, '..'), { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  }

  async reload(): Promise<void> {
    await this.page.reload();
    await this.page.locator('.monaco-workbench .part.statusbar').waitFor({ timeout: 60_000 });
  }

  screenshot(name: string): Promise<Buffer> {
    return this.page.screenshot({ path: join(root, 'test/e2e/screenshots', `${name}.png`) });
  }

  /** Runs a command by its title, as typed into the palette. */
  async command(title: string): Promise<void> {
    await this.pick('F1', `>${title}`, title);
  }

  /** Starts a configuration of launch.json by its name, beside what runs already. */
  async startConfiguration(name: string): Promise<void> {
    await this.pick('F1', `debug ${name}`, name);
  }

  async openFile(name: string): Promise<void> {
    await this.pick('Control+P', name, name);
    await this.editorTab(name).waitFor({ timeout: PATIENCE_MS });
    await this.page.locator('.editor-instance .view-lines .view-line').first().waitFor({ timeout: PATIENCE_MS });
  }

  /** Opens a quick input with `key`, types, and takes the row that says `label`. */
  private async pick(key: string, text: string, label: string): Promise<void> {
    const input = this.page.locator('.quick-input-widget input.input');
    await this.page.keyboard.press(key);
    await input.waitFor({ timeout: PATIENCE_MS });
    await input.fill(text);
    const row = this.page.locator('.quick-input-list .monaco-list-row', { hasText: label }).first();
    await row.waitFor({ timeout: PATIENCE_MS });
    await row.click();
  }

  editorTab(name: string): Locator {
    return this.page.locator('.tabs-container .tab', { hasText: name });
  }

  /** A click into the glyph margin beside a line that is in sight. */
  async clickGutter(line: number): Promise<void> {
    const number = this.page.locator('.margin-view-overlays .line-numbers', { hasText: new RegExp(`^${line}$`) }).first();
    await number.waitFor({ timeout: PATIENCE_MS });
    const box = (await number.boundingBox())!;
    await this.page.mouse.click(box.x - 8, box.y + box.height / 2);
  }

  async goToLine(line: number): Promise<void> {
    await this.page.keyboard.press('Control+G');
    const input = this.page.locator('.quick-input-widget input.input');
    await input.waitFor({ timeout: PATIENCE_MS });
    await input.fill(`:${line}`);
    await input.press('Enter');
  }

  get breakpoints(): Locator {
    return this.page.locator('.codicon-debug-breakpoint');
  }

  /** The line that the debugger stands on. */
  get stoppedGlyph(): Locator {
    return this.page.locator('.codicon-debug-stackframe').first();
  }

  get toolbar(): Locator {
    return this.page.locator('.debug-toolbar');
  }

  async waitForStop(): Promise<void> {
    await this.stoppedGlyph.waitFor({ timeout: PATIENCE_MS });
  }

  async waitForEnd(): Promise<void> {
    await this.toolbar.waitFor({ state: 'hidden', timeout: PATIENCE_MS });
  }

  /** Section of the Run and Debug view. */
  section(title: string): Locator {
    return this.page.locator('.pane', { has: this.page.locator('.pane-header', { hasText: title }) });
  }

  async showRunAndDebug(): Promise<void> {
    await this.page.keyboard.press('Control+Shift+D');
    await this.section('Call Stack').waitFor({ timeout: PATIENCE_MS });
  }

  /** Views of extensions are folded in Run and Debug until the user opens them. */
  expand(title: string): Promise<void> {
    return this.setExpanded(title, true);
  }

  /** Makes room for the others. */
  fold(title: string): Promise<void> {
    return this.setExpanded(title, false);
  }

  private async setExpanded(title: string, expanded: boolean): Promise<void> {
    const header = this.section(title).locator('.pane-header');
    await header.waitFor({ timeout: PATIENCE_MS });
    if ((await header.getAttribute('aria-expanded')) !== String(expanded)) await header.click();
  }

  /** Opens the notification centre once it has this one: VS Code shows no toasts while its test driver is on. */
  async notification(text: string | RegExp): Promise<Locator> {
    await this.page.locator('.part.statusbar .codicon-bell-dot').waitFor({ timeout: PATIENCE_MS });
    await this.command('Notifications: Show Notifications');
    const item = this.page.locator('.notifications-center .notification-list-item', { hasText: text }).first();
    await item.waitFor({ timeout: PATIENCE_MS });
    return item;
  }

  dialog(text: string | RegExp): Locator {
    return this.page.locator('.monaco-dialog-box', { hasText: text });
  }

  /** The panel's page: a webview is two nested frames. */
  get panel(): FrameLocator {
    return this.page.frameLocator('iframe.webview').last().frameLocator('iframe');
  }

  statusBar(text: string | RegExp): Locator {
    return this.page.locator('.part.statusbar .statusbar-item', { hasText: text });
  }

  /** Waits until the cursor of the focused editor is on this line, as the status bar says. */
  async atLine(line: number): Promise<void> {
    await this.page.locator('#status\\.editor\\.selection', { hasText: `Ln ${line},` }).waitFor({ timeout: PATIENCE_MS });
  }
}
