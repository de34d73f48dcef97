/**
 * Runs test/host inside a real VS Code's extension host, on a machine without a desktop: VS Code server, a headless browser as its
 * window. Ends with `N passed, N failed`.
 *   node scripts/test-host.mjs [--grep TEXT] [--extension FOLDER]
 */
import { join } from 'node:path';
import { fixture, suiteEnvironment } from './lib/host-fixture.mjs';
import { root, start, url } from './vscode-server.mjs';
import { launchBrowser, openWorkbench } from './workbench.mjs';

const LIMIT_MS = 9 * 60_000;
const option = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);
const extension = option('--extension') ?? root;

async function main() {
  const { workspace, extensions, data, remove } = fixture();
  const server = await start({
    dataDir: data,
    extensionsDir: extensions,
    env: suiteEnvironment(),
    settings: { 'extensions.autoUpdate': false },
  });
  const stopNow = () => server.process.kill('SIGKILL');
  process.on('exit', stopNow);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(130));
  const browser = await launchBrowser();
  let passed = 0;
  let failed = 0;
  try {
    const onLog = (type, text) => {
      const ours = /^(?:.*\s)?HOST\|(.*)$/s.exec(text);
      const summary = ours && /^(\d+) passing, (\d+) failing/.exec(ours[1]);
      if (summary) [passed, failed] = [Number(summary[1]), Number(summary[2])];
      else if (ours) console.log(ours[1].trimEnd());
      else if (process.env.AH_VERBOSE) console.error(`${type}: ${text}`);
    };
    const address = url({ port: server.port, folder: workspace, extension, tests: join(extension, 'dist/test/host/index') });
    const { exit } = await openWorkbench(browser, address, { onLog });
    let timer;
    const late = new Promise((resolve) => {
      timer = setTimeout(() => resolve('late'), LIMIT_MS);
    });
    const code = await Promise.race([exit, late]);
    clearTimeout(timer);
    if (code === 'late') {
      console.log(`The suite did not end within ${LIMIT_MS / 60_000} minutes.`);
      failed += 1;
    } else if (code !== 0 && failed === 0) {
      console.log(`The extension host ended the suite with ${code}.`);
      failed += 1;
    }
  } finally {
    await browser.close();
    await server.stop();
    remove();
  }
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
}

await main();
