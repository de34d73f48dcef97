// Bundles extension, CLI, panel page and tests into dist/, and copies the Python probe there. --watch rebuilds on change;
// --production minifies and leaves the tests out; --out FOLDER builds there instead.
import { cpSync, existsSync, readdirSync, renameSync, rmSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import esbuild from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
const watching = process.argv.includes('--watch');
const production = process.argv.includes('--production');
const dist = process.argv.includes('--out') ? process.argv[process.argv.indexOf('--out') + 1] : 'dist';

/** Files below `dir` whose name ends with `suffix`. (`fs.globSync` is not in Node 20.) */
function find(dir, suffix) {
  if (!existsSync(dir)) return [];
  return readdirSync(dir, { recursive: true, encoding: 'utf8' })
    .map((name) => join(dir, name))
    .filter((path) => path.endsWith(suffix) && !path.includes('node_modules') && statSync(path).isFile());
}

function copyPython() {
  // Beside it first, under a name of its own: neither a debug session that starts meanwhile nor another build may find half of it.
  const fresh = `${dist}/python.${process.pid}`;
  const old = `${fresh}.old`;
  for (const part of ['async_health', 'attach']) {
    cpSync(`src/python/${part}`, `${fresh}/${part}`, { recursive: true, filter: (path) => !path.includes('__pycache__') });
  }
  try {
    if (existsSync(`${dist}/python`)) renameSync(`${dist}/python`, old);
    renameSync(fresh, `${dist}/python`);
  } catch {
    // Another build was quicker, with the same sources.
  }
  for (const rest of [fresh, old]) rmSync(rest, { recursive: true, force: true });
}

const common = { bundle: true, sourcemap: !production, minify: production, logLevel: 'info', legalComments: 'none' };
const node = { ...common, platform: 'node', target: 'node20', format: 'cjs', external: ['vscode'] };
const builds = [];
if (existsSync('src/extension/index.ts')) builds.push({ ...node, entryPoints: { extension: 'src/extension/index.ts' }, outdir: dist });
if (existsSync('src/cli/index.ts'))
  builds.push({ ...node, entryPoints: { cli: 'src/cli/index.ts' }, outdir: dist, banner: { js: '#!/usr/bin/env node' } });
if (existsSync('webview/panel.ts')) {
  builds.push({
    ...common,
    platform: 'browser',
    target: 'chrome120',
    format: 'iife',
    entryPoints: { panel: 'webview/panel.ts' },
    outdir: `${dist}/webview`,
  });
}
if (!production) {
  const tests = ['unit', 'dap', 'host', 'e2e'].flatMap((level) => find(`test/${level}`, '.ts'));
  if (tests.length > 0) {
    builds.push({
      ...node,
      logLevel: 'warning',
      entryPoints: tests,
      outbase: 'test',
      outdir: `${dist}/test`,
      external: ['vscode', 'mocha', 'playwright-core', 'esbuild'],
    });
  }
}

copyPython();
if (watching) {
  for (const options of builds) await (await esbuild.context(options)).watch();
  watch('src/python', { recursive: true }, copyPython);
} else {
  await Promise.all(builds.map((options) => esbuild.build(options)));
}
