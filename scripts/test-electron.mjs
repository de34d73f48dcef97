/**
 * The in-host suite (test/host) in a desktop VS Code: downloads one (or takes AH_VSCODE, the path of its executable) and runs the very
 * module that scripts/test-host.mjs runs in the VS Code server. On Linux without a screen it starts under xvfb-run.
 *   npm run test:electron [-- --grep TEXT]
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fixture, suiteEnvironment } from './lib/host-fixture.mjs';
import { run, step } from './lib/run.mjs';
import { setup } from './setup.mjs';
import { root } from './vscode-server.mjs';

const headless = process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY;
if (headless) {
  if (spawnSync('xvfb-run', ['--help']).error) {
    console.error('There is no screen here. Install xvfb (Debian: apt-get install xvfb), or use "npm run test:host", which needs none.');
    process.exit(1);
  }
  const again = spawnSync('xvfb-run', ['-a', process.execPath, ...process.argv.slice(1)], { stdio: 'inherit' });
  process.exit(again.status ?? 1);
}

await setup();
step('Building …');
const build = await run(process.execPath, [join(root, 'scripts/build.mjs')], { cwd: root, quiet: true });
if (build.code !== 0) {
  console.error(build.output);
  process.exit(1);
}

const { runTests, downloadAndUnzipVSCode } = await import('@vscode/test-electron');
let executable = process.env.AH_VSCODE;
if (!executable) {
  step('Downloading VS Code (once; it is kept in .vscode-test) …');
  try {
    executable = await downloadAndUnzipVSCode({ cachePath: join(root, '.vscode-test') });
  } catch (error) {
    console.error(`VS Code could not be downloaded: ${error.message}\nName an installed one in AH_VSCODE, or use "npm run test:host".`);
    process.exit(1);
  }
}

const { workspace, extensions, data, remove } = fixture();
const results = join(tmpdir(), `async-health-electron-${process.pid}.jsonl`);
let failure;
try {
  await runTests({
    vscodeExecutablePath: executable,
    extensionDevelopmentPath: root,
    extensionTestsPath: join(root, 'dist/test/host/index'),
    extensionTestsEnv: { ...suiteEnvironment(), ASYNC_HEALTH_RESULTS: results },
    launchArgs: [
      workspace,
      '--user-data-dir',
      data,
      '--extensions-dir',
      extensions,
      '--disable-workspace-trust',
      '--disable-gpu',
      '--no-sandbox',
    ],
  });
} catch (error) {
  failure = error;
}
const lines = existsSync(results)
  ? readFileSync(results, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  : [];
const count = (outcome) => lines.filter((line) => line.outcome === outcome).length;
rmSync(results, { force: true });
remove();
if (failure && count('failed') === 0) console.error(failure.message);
const failed = count('failed') || (failure ? 1 : 0);
console.log(`${count('passed')} passed, ${failed} failed`);
process.exit(failed > 0 || count('passed') === 0 ? 1 : 0);
