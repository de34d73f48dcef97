// Requests per second of two web applications under load, as a share of the same without anything.

import { alternate, ratios, row } from '../lib/measure.mjs';
import { serve, shares } from '../lib/serve.mjs';

const BUDGET = { light: 0.97, standard: 0.93, full: 0.8 };
const why =
  'A request starts three tasks and a timeout and takes a lock; in a program whose code fills the caches the hooks of these cost about twice what they do in a loop of nothing else (“Added cost per operation”). aiohttp answers in 63 µs, so 0.93 leaves 4 µs for eleven rows, about what appending and sending them costs without any hook that makes them.';
const WHY = { light: why, standard: why, full: `${why} At full each of some fifteen steps a request is timed as well.` };

export default async function probeApp({ root, rounds, quick, versions, benchPython, log }) {
  const [version] = versions(['3.12']);
  const target = await benchPython(version);
  if (!target) throw new Error(`CPython ${version} is not here`);
  const rows = [];
  const notes = [
    'Loopback, 16 connections, one server process; its load generator runs beside it. Share of the requests per second without it, pair by pair.',
    'A large block is freed first in each, which keeps glibc from trimming the heap in every request: the mode that happens to free one would gain a fifth.',
    'floor: as above, the least that records tasks, timeouts and locks, in this process and sent nowhere (test/bench/floor.py); floor-light without stacks, floor-full with forty frames and a row for each step.',
  ];
  const modes = [
    'none',
    'floor',
    'floor-light',
    'floor-full',
    'light',
    'standard',
    'full',
    ...(target.peers ? ['asyncio-debug', 'aiomonitor', 'viztracer', 'yappi'] : []),
  ];
  for (const kind of ['fastapi', 'aiohttp']) {
    const { samples, skipped } = await alternate(
      modes,
      rounds,
      (mode) => serve({ root, python: target.python, mode, kind, seconds: quick ? 1 : 2 }),
      (text) => log(`${kind}: ${text}`),
    );
    for (const [mode, why] of Object.entries(skipped)) notes.push(`${kind}: ${mode} skipped: ${why}`);
    rows.push(
      ...shares(kind, samples, {
        budgets: BUDGET,
        why: WHY,
        headline: ['standard'],
        floors: { light: 'floor-light', standard: 'floor', full: 'floor-full' },
      }),
    );
    // Ahead of every alternative: of each, by how much.
    for (const peer of modes.slice(modes.indexOf('full') + 1)) {
      if (samples[peer].length === 0) continue;
      const of = (mode) => samples[mode].map((one) => one.rps);
      const line = { what: `${kind}: requests/s, times those of`, variant: peer, unit: '×', budget: 1, atLeast: true };
      rows.push(row({ ...line, values: ratios(of('standard'), of(peer)) }));
    }
  }
  return { title: 'Web applications under load', rows, notes, versions: `CPython ${target.full}` };
}
