/**
 * Drives the VS Code workbench in a browser: finds (or, as root on Debian, installs) a Chromium, opens a workbench page
 * and answers the calls of VS Code's smoke-test driver. Used by the in-host suite, the e2e suite and the benches.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';

const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync'],
];

/** Places of Chromium-like browsers, most specific first. `AH_BROWSER` overrides. */
function candidates() {
  const onPath = (name) => (process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, name));
  const list = [process.env.AH_BROWSER];
  if (process.platform === 'darwin') {
    for (const base of ['/Applications', join(homedir(), 'Applications')]) {
      for (const app of ['Google Chrome', 'Chromium', 'Microsoft Edge']) list.push(`${base}/${app}.app/Contents/MacOS/${app}`);
    }
  } else if (process.platform === 'win32') {
    for (const base of [process.env.PROGRAMFILES, process.env['PROGRAMFILES(X86)'], process.env.LOCALAPPDATA]) {
      if (base) list.push(join(base, 'Google/Chrome/Application/chrome.exe'), join(base, 'Microsoft/Edge/Application/msedge.exe'));
    }
  } else {
    list.push('/usr/bin/chromium', '/usr/bin/chromium-browser', '/snap/bin/chromium', '/usr/bin/google-chrome', '/usr/bin/microsoft-edge');
    for (const name of ['chromium', 'google-chrome-stable', 'google-chrome', 'microsoft-edge']) list.push(...onPath(name));
  }
  return list.filter(Boolean);
}

/** @returns {string | undefined} an executable Chromium, Chrome or Edge */
export function findBrowser() {
  return candidates().find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** As {@link findBrowser}; on Debian as root a missing one is installed. Throws with the next step otherwise. */
export function ensureBrowser(log = console.log) {
  const found = findBrowser();
  if (found) return found;
  if (process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    log('Installing chromium (once) …');
    for (const args of [
      ['update', '-q'],
      ['install', '-qy', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'],
    ]) {
      const result = spawnSync('apt-get', args, { env, encoding: 'utf8' });
      if (result.status !== 0) throw new Error(`apt-get ${args.join(' ')} failed:\n${result.stderr}`);
    }
    const installed = findBrowser();
    if (installed) return installed;
  }
  throw new Error('No Chromium, Chrome or Edge was found. Install one, or name it in AH_BROWSER.');
}

/** @returns {Promise<import('playwright-core').Browser>} */
export async function launchBrowser({ headless = true, args = [] } = {}) {
  const { chromium } = await import('playwright-core');
  return chromium.launch({ executablePath: ensureBrowser(), headless, args: [...FLAGS, ...args] });
}

/** A browser for another process: connect with `chromium.connect(server.wsEndpoint())`. */
export async function serveBrowser({ headless = true } = {}) {
  const { chromium } = await import('playwright-core');
  const server = await chromium.launchServer({ executablePath: ensureBrowser(), headless, args: FLAGS });
  return { wsEndpoint: () => server.wsEndpoint(), close: () => server.close(), kill: () => server.process().kill('SIGKILL') };
}

/**
 * Opens a workbench URL (see vscode-server.mjs) in a page of its own.
 * @param {import('playwright-core').Browser} browser
 * @param {string} address
 * @param {{viewport?: {width: number, height: number}, scale?: number, onLog?: (type: string, text: string) => void}} [options]
 * @returns {Promise<{page: import('playwright-core').Page, exit: Promise<number>, close: () => Promise<void>}>}
 *   `exit`: the in-host suite's exit code, when the URL names one
 */
export async function openWorkbench(browser, address, { viewport = { width: 1400, height: 900 }, scale = 1, onLog = () => {} } = {}) {
  const context = await browser.newContext({ viewport, deviceScaleFactor: scale, permissions: ['clipboard-read', 'clipboard-write'] });
  const page = await context.newPage();
  const exit = new Promise((resolve) => void page.exposeFunction('codeAutomationExit', (code) => resolve(code)));
  await page.exposeFunction('codeAutomationLog', (type, args) => onLog(type, args.map(String).join(' ')));
  page.on('pageerror', (error) => onLog('pageerror', String(error.stack ?? error)));
  await page.goto(address, { waitUntil: 'domcontentloaded' });
  await page.waitForSelector('.monaco-workbench', { timeout: 60_000 });
  return { page, exit, close: () => context.close() };
}
