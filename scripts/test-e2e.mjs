/**
 * Runs test/e2e: Playwright drives the workbench of a real VS Code, as a user would. Screenshots go to test/e2e/screenshots.
 * Ends with `N passed, N failed`.
 *   node scripts/test-e2e.mjs [--grep TEXT] [--extension FOLDER]
 */
import { spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootPython } from './lib/pythons.mjs';
import { root, start } from './vscode-server.mjs';
import { serveBrowser } from './workbench.mjs';

const option = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
const extension = option('--extension') ?? root;
const grep = option('--grep');

/** No chat, no tips, no upgrade notes: the pictures show the product. */
export const QUIET = {
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.layoutControl.enabled': false,
  'chat.disableAIFeatures': true,
  'chat.commandCenter.enabled': false,
  'telemetry.telemetryLevel': 'off',
  'extensions.autoUpdate': false,
  'extensions.ignoreRecommendations': true,
  'git.enabled': false,
  'remote.autoForwardPorts': false,
  'security.workspace.trust.enabled': false,
};

const folder = mkdtempSync(join(tmpdir(), 'async-health-e2e-'));
const extensions = join(folder, 'extensions');
const cleanUps = [() => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })];
const stopNow = [];
process.on('exit', () => {
  for (const stop of stopNow) stop();
});
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));

async function main() {
  mkdirSync(join(root, 'test/e2e/screenshots'), { recursive: true });
  cpSync(join(root, 'test/host/standins'), extensions, { recursive: true });
  const python = process.env.ASYNC_HEALTH_PYTHON ?? rootPython;
  const server = await start({
    dataDir: join(folder, 'data'),
    extensionsDir: extensions,
    settings: QUIET,
    // Each test has a window of its own; a closed one must not keep its programs running beside the next.
    graceSeconds: 2,
    env: { ASYNC_HEALTH_PYTHON: python },
  });
  cleanUps.unshift(() => server.stop());
  stopNow.push(() => server.process.kill('SIGKILL'));
  const browser = await serveBrowser();
  cleanUps.unshift(() => browser.close());
  stopNow.push(() => browser.kill());
  const args = [
    'node_modules/mocha/bin/mocha.js',
    '--reporter',
    'scripts/lib/mocha-results.cjs',
    '--timeout',
    '120000',
    '--slow',
    '30000',
    '--exit',
  ];
  if (grep) args.push('--grep', grep);
  const env = {
    ...process.env,
    ASYNC_HEALTH_PYTHON: python,
    AH_E2E_PORT: String(server.port),
    AH_E2E_BROWSER: browser.wsEndpoint(),
    AH_E2E_EXTENSION: extension,
    AH_E2E_ROOT: root,
    FORCE_COLOR: '0',
  };
  const child = spawn(process.execPath, [...args, join(extension, 'dist/test/e2e/**/*.test.js')], {
    cwd: root,
    env,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (data) => {
    output += data;
    process.stdout.write(data);
  });
  const code = await new Promise((resolve) => child.on('close', resolve));
  const count = (word) => Number(new RegExp(`(\\d+) ${word}`).exec(output)?.[1] ?? 0);
  const [passed, failed] = [count('passing'), count('failing')];
  return { passed, failed: failed === 0 && code !== 0 ? 1 : failed };
}

let result = { passed: 0, failed: 1 };
try {
  result = await main();
} catch (error) {
  console.error(error);
} finally {
  for (const cleanUp of cleanUps) await cleanUp();
}
console.log(`${result.passed} passed, ${result.failed} failed`);
process.exitCode = result.failed > 0 || result.passed === 0 ? 1 : 0;
