// Makes the installable extension: production build, bundled debugpy, out/async-health-<version>.vsix, and looks into it.
//   npm run package [-- --out FILE]
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { root, rootPython } from './lib/pythons.mjs';
import { must, step } from './lib/run.mjs';
import { setup } from './setup.mjs';

/** What an installed extension needs; a missing one is an error here, not at a user's. */
const NEEDED = [
  'extension/package.json',
  'extension/readme.md',
  'extension/changelog.md',
  'extension/LICENSE.txt',
  'extension/media/sample.py',
  'extension/dist/extension.js',
  'extension/dist/cli.js',
  'extension/dist/webview/panel.js',
  'extension/dist/python/async_health/__init__.py',
  'extension/dist/python/attach/inject.py',
  'extension/dist/python/async_health/_ah_boot.py',
  'extension/dist/debugpy/debugpy/__main__.py',
];

/** What has no business in it. */
const UNWANTED = [
  /\/node_modules\//,
  /\/test\//,
  /\/src\//,
  /\.map$/,
  /__pycache__/,
  /(?<!pydevd_attach_to_process\/[^/]*)\.(so|pyd|dylib|dll)$/,
  /\/\.venv/,
  /\.ts$/,
];

/** Largest size of the package, bytes. debugpy's pure-Python sources are about 2 MB of it. */
const MAX_BYTES = 12_000_000;

/** What is packed besides the build. */
const SOURCES = ['package.json', 'README.md', 'CHANGELOG.md', 'LICENSE', '.vscodeignore', 'media'];

const option = (name) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : undefined);

/** Lays out what is packed in `folder`. The build in dist/ is the developer's and stays as it is. */
async function layOut(folder) {
  for (const name of SOURCES) cpSync(join(root, name), join(folder, name), { recursive: true });
  step('Production build …');
  const script = (name, ...args) =>
    must(process.execPath, [join(root, 'scripts', name), ...args], { cwd: root, quiet: true, timeoutMs: 300_000 });
  await script('build.mjs', '--production', '--out', join(folder, 'dist'));
  step('Bundling debugpy …');
  await script('bundle-debugpy.mjs');
  cpSync(join(root, 'dist/debugpy'), join(folder, 'dist/debugpy'), { recursive: true, filter: (path) => !path.includes('__pycache__') });
}

const folder = mkdtempSync(join(tmpdir(), 'async-health-package-'));
try {
  await setup({ only: ['node', 'root-python'] });
  await layOut(folder);
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const vsix = resolve(option('--out') ?? join(root, 'out', `async-health-${version}.vsix`));
  mkdirSync(dirname(vsix), { recursive: true });
  step('vsce package …');
  const vsce = join(root, 'node_modules', '@vscode', 'vsce', 'vsce');
  // Everything is bundled, so no dependencies travel along.
  const args = ['--no-dependencies', '--skip-license', '--allow-missing-repository', '--no-rewrite-relative-links', '--out', vsix];
  await must(process.execPath, [vsce, 'package', ...args], { cwd: folder, quiet: true, timeoutMs: 300_000 });

  const names = 'import sys, zipfile; print(*zipfile.ZipFile(sys.argv[1]).namelist(), sep="\\n")';
  const { output } = await must(rootPython, ['-c', names, vsix], { quiet: true, timeoutMs: 30_000 });
  const entries = output.trim().split('\n');
  const missing = NEEDED.filter((path) => !entries.some((entry) => entry.toLowerCase() === path.toLowerCase()));
  const unwanted = entries.filter((entry) => UNWANTED.some((pattern) => pattern.test(entry)));
  const { size } = statSync(vsix);
  if (missing.length > 0) throw new Error(`The package lacks:\n  ${missing.join('\n  ')}`);
  if (unwanted.length > 0) throw new Error(`The package holds what it should not:\n  ${unwanted.slice(0, 20).join('\n  ')}`);
  if (size > MAX_BYTES) throw new Error(`The package has ${size} bytes, more than ${MAX_BYTES}.`);
  step(`${relative(root, vsix)}: ${entries.length} files, ${(size / 1e6).toFixed(1)} MB.`);
  step('Install it with "Extensions: Install from VSIX…", or `code --install-extension <file>`.');
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
