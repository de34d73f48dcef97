// Writes src/python/async_health/_ah_wire.py from src/shared/wire.ts. With --check it only compares and exits 1 on a difference.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const target = `${root}src/python/async_health/_ah_wire.py`;
const source = readFileSync(`${root}src/shared/wire.ts`, 'utf8');
const { outputFiles } = await build({
  stdin: { contents: source.replaceAll('const enum', 'enum'), loader: 'ts' },
  format: 'esm',
  write: false,
});
const wire = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].text).toString('base64')}`);

const snake = (name) => name.replace(/([a-z0-9])([A-Z])/g, '$1_$2').toUpperCase();
const lines = ['"""Numbers of the wire. Written by scripts/gen-wire.mjs from src/shared/wire.ts: edit there."""', ''];
for (const [name, value] of Object.entries(wire)) {
  if (typeof value === 'number' || typeof value === 'string') lines.push(`${name} = ${JSON.stringify(value)}`);
}
const prefixes = {
  Op: 'OP',
  Outcome: 'OUTCOME',
  Wait: 'WAIT',
  AwaitedVia: 'VIA',
  ScopeKind: 'SCOPE',
  ExitFlag: 'EXIT',
  ScopeFlag: 'SCOPE_FLAG',
  CancelReason: 'REASON',
  LockKind: 'LOCK',
  LockOp: 'LOCK_OP',
};
for (const [name, prefix] of Object.entries(prefixes)) {
  lines.push('');
  for (const [key, value] of Object.entries(wire[name])) if (typeof value === 'number') lines.push(`${prefix}_${snake(key)} = ${value}`);
}
const text = `${lines.join('\n')}\n`;

if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error('src/python/async_health/_ah_wire.py is out of date: run node scripts/gen-wire.mjs');
    process.exit(1);
  }
} else writeFileSync(target, text);
