// Everything that can be said about the source without running it: types, lint, format, generated files, and the rules of
// the architecture (who may import whom, file sizes, nothing of one machine).
//   npm run check [-- --fix]
import { appendFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { root } from './lib/pythons.mjs';
import { parallel, run } from './lib/run.mjs';
import { setup } from './setup.mjs';

const fix = process.argv.includes('--fix');
const bin = (name) => join(root, 'node_modules', '.bin', process.platform === 'win32' ? `${name}.cmd` : name);
const ruff = join(root, '.venv', process.platform === 'win32' ? 'Scripts/ruff.exe' : 'bin/ruff');

const MAX_LINES = 500;
const SKIP = new Set(['node_modules', 'dist', 'out', '.git', '.venv', '.venvs', '__pycache__', 'screenshots', '.vscode-test']);

function* walk(folder) {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder ? `${folder}/${entry.name}` : entry.name;
    if (entry.isDirectory()) {
      if (!SKIP.has(entry.name)) yield* walk(path);
    } else yield path;
  }
}

const files = [...walk('')];
const read = (path) => readFileSync(join(root, path), 'utf8');
const typescript = files.filter((path) => /^(src|webview|test)\/.*\.ts$/.test(path) && !path.endsWith('.d.ts'));
const sources = files.filter((path) => /^(src|webview|test|scripts)\/.*\.(ts|mjs|cjs|js|py)$/.test(path) || path.startsWith('.ci/'));

/** Module specifiers that a TypeScript file imports, `import type` included. */
function imports(path) {
  return [
    ...read(path).matchAll(
      /(?:^|[\s;])(?:import|export)\s[^'"();]*?from\s*['"]([^'"]+)['"]|(?:^|[\s;])import\s*\(?\s*['"]([^'"]+)['"]|require\(['"]([^'"]+)['"]\)/g,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3]);
}

/** The room a file is in: `adapter`, `shared`, `webview` … */
function roomOf(path) {
  const parts = path.split('/');
  return parts[0] === 'src' ? parts[1] : parts[0];
}

/** Rooms that each room may import. Dependencies point one way. */
const MAY_IMPORT = {
  shared: [],
  health: ['shared'],
  probe: ['shared'],
  adapter: ['shared', 'health', 'probe'],
  cli: ['shared', 'health', 'probe', 'adapter'],
  extension: ['shared', 'health', 'probe', 'adapter'],
  webview: ['shared'],
};

function directions() {
  const problems = [];
  for (const path of typescript) {
    const room = roomOf(path);
    const allowed = MAY_IMPORT[room];
    if (!allowed) continue;
    for (const specifier of imports(path)) {
      if (!specifier.startsWith('.')) continue;
      const target = roomOf(
        relative(root, resolve(root, dirname(path), specifier))
          .split(sep)
          .join('/'),
      );
      if (target !== room && target in MAY_IMPORT && !allowed.includes(target))
        problems.push(`${path}: ${room} must not import ${target} (${specifier})`);
    }
  }
  return problems;
}

function vscodeOnlyInExtension() {
  return typescript
    .filter((path) => !/^(src\/extension|test\/host)\//.test(path) && imports(path).includes('vscode'))
    .map((path) => `${path}: imports vscode; only src/extension may`);
}

function toolkitOnce() {
  const users = typescript.filter((path) => imports(path).some((specifier) => specifier.startsWith('@vscode/webview-ui-toolkit')));
  return users.length === 1
    ? []
    : [`@vscode/webview-ui-toolkit must be imported in exactly one file, not in ${users.length}: ${users.join(', ') || 'none'}`];
}

function probeImportsStandardLibraryOnly() {
  const problems = [];
  for (const path of files.filter((name) => /^src\/python\/.*\.py$/.test(name))) {
    for (const [, name] of read(path).matchAll(/^(?:import|from)\s+([A-Za-z_]\w*)/gm)) {
      if (
        /^(anyio|trio|uvloop|aiohttp|httpx|debugpy|pydevd|_pydevd_bundle|mcp|sqlalchemy|redis|websockets|asyncpg|typing_extensions|exceptiongroup)$/.test(
          name,
        )
      ) {
        problems.push(`${path}: imports ${name} at its top; the probe uses the standard library only`);
      }
    }
  }
  return problems;
}

function sizes() {
  return sources
    .filter((path) => !path.endsWith('_ah_wire.py'))
    .map((path) => [path, read(path).split('\n').length - 1])
    .filter(([, lines]) => lines > MAX_LINES)
    .map(([path, lines]) => `${path}: ${lines} lines, more than ${MAX_LINES}`);
}

function machinePaths() {
  const patterns = [
    /\/(?:home|Users)\/(?!me\/)[a-z][\w.-]*\//,
    /\/root\//,
    /\/work\/(?:main|shared)/,
    /\/opt\/wheels/,
    /\.pyenv\/versions\/\d/,
  ];
  const home = homedir();
  const text = files.filter((path) => /\.(ts|mjs|cjs|js|py|json|md|toml|css|html|svg|yml)$/.test(path) || path.startsWith('.ci/'));
  const problems = [];
  for (const path of text) {
    if (path.endsWith('package-lock.json') || path === 'scripts/check.mjs') continue;
    for (const [index, line] of read(path).split('\n').entries()) {
      if (patterns.some((pattern) => pattern.test(line)) || (home.length > 5 && line.includes(home)))
        problems.push(`${path}:${index + 1}: a path of one machine: ${line.trim().slice(0, 100)}`);
    }
  }
  return problems;
}

const command =
  (program, ...args) =>
  async () => {
    const { code, output } = await run(program, args, { cwd: root, quiet: true, timeoutMs: 240_000 });
    return code === 0 ? [] : [output.trim()];
  };

const CHECKS = [
  ['types', command(bin('tsc'), '-p', '.', '--pretty', 'false')],
  ['biome', command(bin('biome'), 'check', '--diagnostic-level=error', ...(fix ? ['--write'] : []))],
  ['ruff check', command(ruff, 'check', '--output-format', 'concise', ...(fix ? ['--fix'] : []), '.')],
  ['ruff format', command(ruff, 'format', ...(fix ? [] : ['--check']), '.')],
  ['generated wire', command(process.execPath, 'scripts/gen-wire.mjs', '--check')],
  ['only src/extension imports vscode', vscodeOnlyInExtension],
  ['the toolkit is imported in one file', toolkitOnce],
  ['dependencies point one way', directions],
  ['the probe needs the standard library only', probeImportsStandardLibraryOnly],
  [`no file above ${MAX_LINES} lines`, sizes],
  ['no path of one machine', machinePaths],
];

if (!existsSync(ruff) || !existsSync(bin('tsc'))) await setup({ only: ['node', 'python'] });
let failed = 0;
const outcomes = await parallel(CHECKS, 2, async ([name, check]) => {
  const begin = Date.now();
  const problems = await check();
  return { name, problems, ms: Date.now() - begin };
});
for (const { name, problems, ms } of outcomes) {
  console.log(`${problems.length === 0 ? '✓' : '✗'} ${name} (${ms} ms)`);
  for (const problem of problems) console.log(problem.replace(/^/gm, '    '));
  if (problems.length > 0) failed++;
  const result = { outcome: problems.length === 0 ? 'passed' : 'failed', test: name, ms, message: problems.join('\n') };
  if (process.env.ASYNC_HEALTH_RESULTS) appendFileSync(process.env.ASYNC_HEALTH_RESULTS, `${JSON.stringify(result)}\n`);
}
console.log(failed === 0 ? 'All checks passed.' : `${failed} of ${CHECKS.length} checks failed.`);
process.exit(failed === 0 ? 0 : 1);
