// Debug sessions for benchmarks: stock debugpy and our adapter through one and the same client.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import esbuild from 'esbuild';
import { root } from './pythons.mjs';

let loaded;

/** The tests' DAP client and the adapter, built from the sources. */
async function modules() {
  if (loaded) return loaded;
  const scratch = mkdtempSync(join(tmpdir(), 'async-health-bench-'));
  try {
    await esbuild.build({
      stdin: {
        contents: `export { DapTester, inProcess, command, INITIALIZE } from './test/dap/support/DapTester'; export { PanelFeed } from './src/health'; export { panelPage } from './src/shared/panelPage';`,
        resolveDir: root,
        loader: 'ts',
      },
      bundle: true,
      platform: 'node',
      format: 'cjs',
      external: ['vscode'],
      outfile: join(scratch, 'dap.cjs'),
      logLevel: 'error',
    });
    loaded = createRequire(import.meta.url)(join(scratch, 'dap.cjs'));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
  return loaded;
}

export const dap = modules;

/** 1-based line with `# @name`. */
export function marker(path, name) {
  const index = readFileSync(path, 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(`# @${name}`));
  if (index < 0) throw new Error(`no "# @${name}" in ${path}`);
  return index + 1;
}

/**
 * Starts a program under `variant`: `stock` (debugpy alone) or `ours`. Resolves once it runs.
 * @param {{variant: string, python: string, program: string, args?: string[], breakpoints?: string[], options?: object, launch?: object}} what
 * @returns the client; `launchedAt` is performance.now() of the launch request, `adapter` is there for `ours`
 */
export async function launch({ variant, python, program, args = [], breakpoints = [], options = {}, launch: extra = {} }) {
  const { DapTester, inProcess, command, INITIALIZE } = await modules();
  const endpoint =
    variant === 'ours'
      ? // As VS Code hands messages to an adapter in its own process: not copied.
        inProcess({ discovery: { python }, probeFolder: join(root, 'dist/python/async_health') }, (message) => message)
      : command(python, ['-m', 'debugpy.adapter']);
  const client = new DapTester(endpoint);
  client.adapter = endpoint.adapter;
  await client.request('initialize', INITIALIZE);
  client.launchedAt = performance.now();
  const block = variant === 'ours' ? { asyncHealth: options } : {};
  const started = client.ask(
    'launch',
    { program, args, python, console: 'internalConsole', redirectOutput: true, ...block, ...extra },
    60_000,
  );
  const failed = started.then((response) => {
    if (!response.success) throw new Error(`launch: ${JSON.stringify(response.message ?? response.body)}`);
  });
  await Promise.race([client.event('initialized', () => true, 0, 60_000), failed.then(() => client.event('initialized'))]);
  if (breakpoints.length > 0) {
    await client.request('setBreakpoints', {
      source: { path: program },
      breakpoints: breakpoints.map((name) => ({ line: marker(program, name) })),
    });
  }
  await client.request('configurationDone');
  await failed;
  return client;
}
