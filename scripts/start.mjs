/**
 * `npm start`: from a fresh clone to the sample workspace in VS Code, with a misbehaving program under debugging and the panel on its
 * findings. Desktop VS Code when there is one, else the VS Code server and a URL for the browser. Ctrl-C ends all that was started.
 *   npm start [-- --server] [-- --port N] [-- --open FILE --configuration NAME]
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { run, step } from './lib/run.mjs';
import { setup } from './setup.mjs';
import { root, start, url } from './vscode-server.mjs';

/** Tried first, so that a bookmarked URL and the browser's layout survive a restart. */
const USUAL_PORT = 39170;

const option = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
const workspace = join(root, 'test/samples');
const file = join(workspace, option('--open') ?? 'order_service.py');
const configuration = option('--configuration') ?? 'Order service (misbehaves)';

/** What a window needs to come up as promised; it belongs to this window only, never to the user's own settings. */
const SETTINGS = {
  'asyncHealth.startOnOpen': configuration,
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'chat.disableAIFeatures': true,
  'telemetry.telemetryLevel': 'off',
  'extensions.ignoreRecommendations': true,
  'remote.autoForwardPorts': false,
  'security.workspace.trust.enabled': false,
};

/** Newest change among the inputs of the build, ms. */
function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(
    0,
    ...readdirSync(path)
      .filter((name) => name !== '__pycache__' && name !== 'node_modules')
      .map((name) => newest(join(path, name))),
  );
}

/** For F5 in any folder that is opened in this window, whatever its interpreter has. The sample needs none of it. */
async function bundleDebugpy() {
  const result = await run(process.execPath, [join(root, 'scripts/bundle-debugpy.mjs')], { cwd: root, quiet: true });
  if (result.code !== 0)
    step(`debugpy could not be bundled; programs need an interpreter that has it. ${result.output.trim().split('\n').at(-1)}`);
}

async function build() {
  const output = join(root, 'dist/webview/panel.js');
  const inputs = ['src', 'webview', 'scripts/build.mjs', 'package-lock.json'].map((name) => join(root, name));
  if (existsSync(output) && existsSync(join(root, 'dist/extension.js')) && Math.max(...inputs.map(newest)) < statSync(output).mtimeMs)
    return;
  step('Building …');
  const result = await run(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root, quiet: true });
  if (result.code !== 0) throw new Error(`The build failed:\n${result.output}`);
}

/** VS Code's command line, where it can show a window. */
function desktopCode() {
  if (process.argv.includes('--server')) return undefined;
  if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY) return undefined;
  const names = process.platform === 'win32' ? ['code.cmd', 'code-insiders.cmd'] : ['code', 'code-insiders'];
  const folders = (process.env.PATH ?? '').split(delimiter);
  if (process.platform === 'darwin') folders.push('/Applications/Visual Studio Code.app/Contents/Resources/app/bin');
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name);
      // code-server answers to `code` as well, and opens no window.
      if (
        folder &&
        existsSync(path) &&
        /^\d+\.\d+\.\d+/.test(spawnSync(path, ['--version'], { encoding: 'utf8', shell: process.platform === 'win32' }).stdout ?? '')
      )
        return path;
    }
  }
  return undefined;
}

function isFree(port) {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}

async function startDesktop(code) {
  const data = mkdtempSync(join(tmpdir(), 'async-health-start-'));
  mkdirSync(join(data, 'User'), { recursive: true });
  writeFileSync(join(data, 'User/settings.json'), JSON.stringify(SETTINGS, null, 2));
  const args = ['--new-window', '--wait', '--user-data-dir', data, `--extensionDevelopmentPath=${root}`, workspace, file];
  const child = spawn(code, args, { stdio: 'inherit', shell: process.platform === 'win32', detached: process.platform !== 'win32' });
  step(`VS Code opens ${workspace}. Close its window or press Ctrl-C to end.`);
  const stop = () => {
    try {
      process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGTERM');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
  };
  const ended = new Promise((resolve) => child.on('exit', resolve));
  return {
    stop: async () => (stop(), ended),
    ended,
    remove: () => rmSync(data, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 }),
  };
}

async function startServer() {
  const asked = Number(option('--port') ?? USUAL_PORT);
  const port = option('--port') || (await isFree(asked)) ? asked : 0;
  const server = await start({ port, settings: SETTINGS, log: step });
  const openFile = `vscode-remote://127.0.0.1:${server.port}${file}`;
  const address = url({ port: server.port, folder: workspace, extension: root, payload: [['openFile', openFile]] });
  step('VS Code is ready. Open this in a browser on this machine (Ctrl-C ends it):');
  console.log(`\n  ${address}\n`);
  const ended = new Promise((resolve) => server.process.on('exit', resolve));
  return { stop: () => server.stop(), ended, remove: () => {} };
}

async function main() {
  await setup({ only: ['node', 'system', 'root-python'] });
  await build();
  await bundleDebugpy();
  const code = desktopCode();
  const started = code ? await startDesktop(code) : await startServer();
  let ending = false;
  const end = async () => {
    if (ending) return;
    ending = true;
    step('Ending what was started …');
    await started.stop();
    started.remove();
    process.exit(0);
  };
  // The shared runner would exit at once on these, and leave the server behind.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.removeAllListeners(signal);
    process.on(signal, end);
  }
  await started.ended;
  await end();
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
