// Requests per second of two web applications under load, as a share of the same without anything.

import { alternate } from '../lib/measure.mjs';
import { serve, shares } from '../lib/serve.mjs';

const BUDGET = { light: 0.97, standard: 0.93, full: 0.8 };

export default async function probeApp({ root, rounds, quick, versions, benchPython, log }) {
  const [version] = versions(['3.12']);
  const target = await benchPython(version);
  if (!target) throw new Error(`CPython ${version} is not here`);
  const rows = [];
  const notes = [
    'Loopback, 16 connections, one server process; its load generator runs beside it. Share of the requests per second without it, pair by pair.',
  ];
  const modes = ['none', 'light', 'standard', 'full', ...(target.peers ? ['asyncio-debug', 'aiomonitor', 'viztracer', 'yappi'] : [])];
  for (const kind of ['fastapi', 'aiohttp']) {
    const { samples, skipped } = await alternate(
      modes,
      rounds,
      (mode) => serve({ root, python: target.python, mode, kind, seconds: quick ? 1.5 : 3 }),
      (text) => log(`${kind}: ${text}`),
    );
    for (const [mode, why] of Object.entries(skipped)) notes.push(`${kind}: ${mode} skipped: ${why}`);
    rows.push(...shares(kind, samples, BUDGET));
  }
  return { title: 'Web applications under load', rows, notes, versions: `CPython ${target.full}` };
}
