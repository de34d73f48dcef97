// Makes the installable extension: production build, bundled debugpy, out/async-health-<version>.vsix, and looks into it.
//   npm run package
import { existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './lib/pythons.mjs';
import { must, step } from './lib/run.mjs';
import { setup } from './setup.mjs';

/** What an installed extension needs; a missing one is an error here, not at a user's. */
const NEEDED = [
  'extension/package.json',
  'extension/readme.md',
  'extension/changelog.md',
  'extension/LICENSE.txt',
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

try {
  await setup({ only: ['node', 'python'] });
  step('Production build …');
  rmSync(join(root, 'dist'), { recursive: true, force: true });
  await must(process.execPath, ['scripts/build.mjs', '--production'], { cwd: root, quiet: true, timeoutMs: 300_000 });
  step('Bundling debugpy …');
  await must(process.execPath, ['scripts/bundle-debugpy.mjs'], { cwd: root, quiet: true, timeoutMs: 300_000 });

  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const vsix = join(root, 'out', `async-health-${version}.vsix`);
  mkdirSync(join(root, 'out'), { recursive: true });
  step('vsce package …');
  const vsce = join(root, 'node_modules', '@vscode', 'vsce', 'vsce');
  // Everything is bundled, so no dependencies travel along.
  await must(
    process.execPath,
    [vsce, 'package', '--no-dependencies', '--skip-license', '--allow-missing-repository', '--no-rewrite-relative-links', '--out', vsix],
    {
      cwd: root,
      quiet: true,
      timeoutMs: 300_000,
    },
  );

  const { output } = await must('unzip', ['-Z1', vsix], { quiet: true, timeoutMs: 30_000 });
  const entries = output.trim().split('\n');
  const missing = NEEDED.filter((path) => !entries.some((entry) => entry.toLowerCase() === path.toLowerCase()));
  const unwanted = entries.filter((entry) => UNWANTED.some((pattern) => pattern.test(entry)));
  const { size } = statSync(vsix);
  if (missing.length > 0) throw new Error(`The package lacks:\n  ${missing.join('\n  ')}`);
  if (unwanted.length > 0) throw new Error(`The package holds what it should not:\n  ${unwanted.slice(0, 20).join('\n  ')}`);
  if (size > MAX_BYTES) throw new Error(`The package has ${size} bytes, more than ${MAX_BYTES}.`);
  step(`${vsix.slice(root.length)}: ${entries.length} files, ${(size / 1e6).toFixed(1)} MB.`);
  step('Install it with "Extensions: Install from VSIX…", or `code --install-extension <file>`.');
  if (!existsSync(join(root, 'dist', 'test')))
    step('The build in dist/ is now the production one; `npm run build` makes the development one.');
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
