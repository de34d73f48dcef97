// Bench "ingest": a recorded stream into the model. Prints one JSON object on stdout: rows/s at several mixes, and memory at
// 10 million rows (it must stay flat). `node --expose-gc scripts/bench/ingest.mjs [--rows N] [--recording FILE]`
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import esbuild from 'esbuild';
import { freeClock } from '../lib/measure.mjs';

// Op numbers as in src/shared/wire.ts (const enums leave nothing to import at run time).
const OPS = {
  TaskNew: 1,
  TaskEnd: 2,
  TaskWait: 5,
  TaskSteps: 6,
  ScopeEnter: 20,
  ScopeExit: 21,
  LockWait: 42,
  LockWaitEnd: 43,
  LockHold: 44,
  LockFree: 45,
};

const { values } = parseArgs({
  options: { rows: { type: 'string', default: '10000000' }, recording: { type: 'string' }, runs: { type: 'string', default: '7' } },
});
const root = fileURLToPath(new URL('../..', import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), 'async-health-ingest-'));
const gc = globalThis.gc ?? (() => {});

try {
  await esbuild.build({
    stdin: {
      contents: `export { HealthModel, Replay } from './src/health'; export { decodeBatch } from './src/shared/batch'; export * as wire from './src/shared/wire';`,
      resolveDir: root,
      loader: 'ts',
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    outfile: join(scratch, 'model.cjs'),
    logLevel: 'error',
  });
  const modules = createRequire(import.meta.url)(join(scratch, 'model.cjs'));
  process.stdout.write(`${JSON.stringify(values.recording ? recorded(modules, values.recording) : synthetic(modules))}\n`);
} finally {
  rmSync(scratch, { recursive: true, force: true });
}

/** Messages of a program: `lives` tasks come and go while `standing` more live; each has a scope, waits, and a lock now and then. */
function* program(total, standing, batchRows = 5_000) {
  let t = 0;
  let address = 1 << 20;
  let seq = 0;
  let rows = [];
  let sent = 0;
  const pool = [];
  const defs = {
    strings: [
      [1, '/home/me/app.py'],
      [2, 'handle'],
      [3, 'Server.handle'],
    ],
    frames: Array.from({ length: 50 }, (_, n) => [n + 1, 1, 2, n + 10]),
    stacks: Array.from({ length: 50 }, (_, n) => [n + 1, n + 1, ((n + 1) % 50) + 1]),
  };
  const row = (op, obj, task, aux, stack) => {
    t += 1_000;
    rows.push(op, t, obj, task, aux, stack);
  };
  const batch = () => {
    const message = {
      type: 'batch',
      pid: 1,
      seq: ++seq,
      t,
      rows: Buffer.from(BigInt64Array.from(rows, (number) => BigInt(Math.trunc(number))).buffer).toString('base64'),
    };
    if (seq === 1) message.defs = defs;
    sent += rows.length / 6;
    rows = [];
    return message;
  };
  const root = address;
  row(OPS.TaskNew, root, 0, 3, 1);
  for (let n = 0; sent + rows.length / 6 < total; n++) {
    address += 64;
    // Addresses come back, as the allocator gives them back.
    const task = pool.length >= standing && pool.length > 0 ? pool[n % pool.length] : address;
    if (pool.length >= standing && pool.length > 0) row(OPS.TaskEnd, task, 0, 0, 0);
    else pool.push(task);
    row(OPS.TaskNew, task, root, 3, (n % 50) + 1);
    row(OPS.ScopeEnter, task + 8, task, 1, (n % 50) + 1);
    row(OPS.TaskWait, task, 0, 3, (n % 50) + 1);
    row(OPS.TaskSteps, task, 5, 10_000, 5_000);
    if (n % 4 === 0) {
      row(OPS.LockWait, 4_096, task, 0, (n % 50) + 1);
      row(OPS.LockWaitEnd, 4_096, task, 0, 0);
      row(OPS.LockHold, 4_096, task, 0, 1);
      row(OPS.LockFree, 4_096, task, 0, 0);
    }
    row(OPS.ScopeExit, task + 8, task, 0, 0);
    if (rows.length >= batchRows * 6) yield batch();
  }
  if (rows.length > 0) yield batch();
}

function synthetic({ HealthModel, decodeBatch }) {
  const runs = Number(values.runs);
  const throughput = [100, 10_000, 100_000].map((standing) => {
    const messages = [...program(1_000_000, standing)];
    const rates = [];
    const wallRates = [];
    for (let run = 0; run < runs; run++) {
      const model = new HealthModel();
      gc();
      const [start, wallStart] = [freeClock(), performance.now()];
      for (const message of messages) model.ingest(decodeBatch(message));
      rates.push((model.intake.rows * 1e3) / (freeClock() - start));
      wallRates.push((model.intake.rows * 1e3) / (performance.now() - wallStart));
    }
    return {
      living: standing,
      rowsPerSecond: median(rates),
      rates: rates.map(Math.round),
      wallRates: wallRates.map(Math.round),
    };
  });

  // Memory over a long stream: heap in use after a collection, at every tenth.
  const total = Number(values.rows);
  const model = new HealthModel();
  const heapMb = [];
  let next = 0;
  let rows = 0;
  let peakMb = 0;
  for (const message of program(total, 10_000)) {
    model.ingest(decodeBatch(message));
    rows = model.intake.rows;
    if (rows >= next) {
      gc();
      const used = process.memoryUsage().heapUsed / 1_048_576;
      heapMb.push(Math.round(used * 10) / 10);
      peakMb = Math.max(peakMb, used);
      next += total / 10;
    }
  }
  // The lists of the panel, with 100,000 tasks alive.
  const large = new HealthModel();
  for (const message of program(700_000, 100_000)) large.ingest(decodeBatch(message));
  const time = (query) => {
    const times = [];
    for (let run = 0; run < runs * 3; run++) {
      const start = process.hrtime.bigint();
      large.window('tasks', query);
      times.push(Number(process.hrtime.bigint() - start) / 1e6);
    }
    times.sort((a, b) => a - b);
    return { medianMs: round(times[times.length >> 1]), worstMs: round(times.at(-1)) };
  };
  return {
    bench: 'ingest',
    node: process.version,
    throughput,
    memory: { rows, heapMb, peakMb: round(peakMb), growthMb: round(heapMb.at(-1) - heapMb[2]), collected: globalThis.gc !== undefined },
    windows: {
      tasks: large.window('tasks', { offset: 0, limit: 0 }).total,
      top: time({ offset: 0, limit: 60 }),
      middle: time({ offset: 50_000, limit: 60 }),
      sorted: time({ offset: 50_000, limit: 60, sort: { key: 'ageMs', descending: true } }),
      filtered: time({ offset: 0, limit: 60, filter: 'handle waiting' }),
    },
  };
}

function recorded({ Replay }, file) {
  const lines = readFileSync(file, 'utf8').split('\n');
  const start = process.hrtime.bigint();
  const replay = new Replay();
  lines.forEach((line, index) => {
    replay.line(line, index === lines.length - 1);
  });
  replay.finish();
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  let rows = 0;
  for (const model of replay.models.values()) rows += model.intake.rows;
  return { bench: 'ingest', recording: file, rows, seconds: round(seconds), rowsPerSecond: Math.round(rows / seconds) };
}

function median(values) {
  const sorted = values.slice().sort((a, b) => a - b);
  return Math.round(sorted[sorted.length >> 1]);
}

function round(value) {
  return Math.round(value * 100) / 100;
}
