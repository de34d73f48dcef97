// A recorded stream into the model: rows per second, and memory that must stay flat however long the stream.
import { join } from 'node:path';
import { row } from '../lib/measure.mjs';
import { must } from '../lib/run.mjs';

export default async function ingest({ root, rounds, quick }) {
  const args = ['--expose-gc', join(root, 'scripts/bench/ingest.mjs'), '--runs', String(rounds), '--rows', quick ? '1000000' : '10000000'];
  const { output } = await must(process.execPath, args, { cwd: root, quiet: true, timeoutMs: 1_200_000 });
  const result = JSON.parse(output.trim().split('\n').at(-1));
  const rows = result.throughput.map(({ living, rowsPerSecond, slowest, fastest }) => ({
    ...row({
      what: `${living} living tasks`,
      variant: 'model',
      values: [rowsPerSecond],
      unit: 'rows/s',
      budget: 1_000_000,
      atLeast: true,
      digits: 0,
    }),
    low: slowest,
    high: fastest,
    n: rounds,
  }));
  rows.push(row({ what: `heap peak over ${result.memory.rows} rows`, variant: 'model', values: [result.memory.peakMb], unit: 'MB' }));
  rows.push(
    row({
      what: 'heap growth from the third tenth to the last',
      variant: 'model',
      values: [result.memory.growthMb],
      unit: 'MB',
      budget: 10,
    }),
  );
  return { title: 'A stream into the model', rows, detail: result };
}
