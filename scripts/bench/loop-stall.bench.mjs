// Longest stall that the probe adds to a loop while many tasks live, its ticks run and snapshots are asked for.
import { join } from 'node:path';
import { alternate, row } from '../lib/measure.mjs';
import { must } from '../lib/run.mjs';

const BUDGET_MS = { 1000: 1, 10000: 2, 100000: 5 };

export default async function loopStall({ root, rounds, quick, versions, benchPython, log }) {
  const rows = [];
  const [version] = versions(['3.12']);
  const target = await benchPython(version);
  if (!target) throw new Error(`CPython ${version} is not here`);
  for (const [tasks, budget] of Object.entries(BUDGET_MS)) {
    const { samples } = await alternate(
      ['none', 'standard'],
      rounds,
      async (mode) => {
        const args = [join(root, 'test/bench/stall.py'), mode, tasks, quick ? '2' : '3', 'snapshots'];
        const { output } = await must(target.python, args, { quiet: true, timeoutMs: 120_000 });
        return JSON.parse(output.trim().split('\n').at(-1));
      },
      (text) => log(`${tasks} tasks: ${text}`),
    );
    const added = (key) => samples.standard.map((sample, index) => sample[key] - samples.none[index][key]);
    rows.push(row({ what: `${tasks} tasks: longest stall without`, values: samples.none.map((one) => one.worst_ms), unit: 'ms' }));
    rows.push(
      row({
        what: `${tasks} tasks: longest stall added`,
        variant: 'standard',
        values: added('worst_ms'),
        unit: 'ms',
        budget,
        headline: true,
      }),
    );
    rows.push(row({ what: `${tasks} tasks: 99th percentile added`, variant: 'standard', values: added('p99_ms'), unit: 'ms' }));
  }
  return {
    title: 'Loop stalls',
    rows,
    notes: [
      'Wall time between two turns, less the time in which other processes had the cores; a snapshot is asked for every 0.5 s. Every sample is a process of its own.',
    ],
    versions: `CPython ${target.full}`,
  };
}
