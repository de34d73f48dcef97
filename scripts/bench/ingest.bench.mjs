// A recorded stream into the model: rows per second, and memory that must stay flat however long the stream.
import { join } from 'node:path';
import { row } from '../lib/measure.mjs';
import { must } from '../lib/run.mjs';

const NOTE = 'On one core that is the process’s own: time in which other processes had it does not count; beside it the plain wall clock.';

export default async function ingest({ root, rounds, quick }) {
  const args = ['--expose-gc', join(root, 'scripts/bench/ingest.mjs'), '--runs', String(rounds), '--rows', quick ? '1000000' : '10000000'];
  const { output } = await must(process.execPath, args, { cwd: root, quiet: true, timeoutMs: 1_200_000 });
  const result = JSON.parse(output.trim().split('\n').at(-1));
  const rows = result.throughput.flatMap(({ living, rates, wallRates }) => {
    const line = { what: `${living} living tasks`, unit: 'rows/s', digits: 0 };
    return [
      row({ ...line, variant: 'model', values: rates, budget: 1_000_000, atLeast: true, headline: living === 10_000 }),
      row({ ...line, variant: 'model, wall clock', values: wallRates }),
    ];
  });
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
  return { title: 'A stream into the model', rows, detail: result, notes: [NOTE] };
}
