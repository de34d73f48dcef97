// From the launch request to the program's first line, and to its first stop.
import { join } from 'node:path';
import { launch } from '../lib/dap.mjs';
import { alternate, row } from '../lib/measure.mjs';

export default async function f5({ root, rounds, versions, benchPython, log }) {
  const [version] = versions(['3.12']);
  const { python, full } = await benchPython(version);
  const program = join(root, 'test/bench/f5_target.py');
  const { samples } = await alternate(
    ['stock', 'ours'],
    rounds,
    async (variant) => {
      const client = await launch({ variant, python, program, breakpoints: ['stop'] });
      try {
        await client.event('stopped');
        return performance.now() - client.launchedAt;
      } finally {
        await client.stop();
      }
    },
    log,
  );
  // Apart from the stop, so that no breakpoint is in the way of the first line.
  const starts = await alternate(
    ['stock', 'ours'],
    rounds,
    async (variant) => {
      const client = await launch({ variant, python, program });
      try {
        await client.event('output', (body) => /started/.test(body.output));
        return performance.now() - client.launchedAt;
      } finally {
        await client.stop();
      }
    },
    log,
  );
  const ratio = (ours, stock) => ours.map((value, index) => value / stock[index]);
  const stops = (variant) => samples[variant];
  return {
    title: 'F5',
    versions: `CPython ${full}`,
    rows: [
      row({ what: 'launch to program start', variant: 'debugpy', values: starts.samples.stock, unit: 'ms', digits: 0 }),
      row({ what: 'launch to program start', variant: 'ours', values: starts.samples.ours, unit: 'ms', digits: 0 }),
      row({
        what: 'launch to program start, ratio',
        variant: 'ours',
        values: ratio(starts.samples.ours, starts.samples.stock),
        unit: '×',
        budget: 1.05,
        digits: 3,
      }),
      row({ what: 'launch to first stop', variant: 'debugpy', values: stops('stock'), unit: 'ms', digits: 0 }),
      row({ what: 'launch to first stop', variant: 'ours', values: stops('ours'), unit: 'ms', digits: 0 }),
      row({
        what: 'launch to first stop, ratio',
        variant: 'ours',
        values: ratio(stops('ours'), stops('stock')),
        unit: '×',
        budget: 1.05,
        digits: 3,
      }),
    ],
  };
}
