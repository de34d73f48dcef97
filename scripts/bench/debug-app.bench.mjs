// Requests per second of the web applications under the debugger: stock debugpy, and with us. As in an editor, one breakpoint is set (on a
// line that never comes) and uncaught exceptions stop.
import { join } from 'node:path';
import { launch, marker } from '../lib/dap.mjs';
import { alternate } from '../lib/measure.mjs';
import { load, shares } from '../lib/serve.mjs';

const BUDGET = 0.95;
const WHY =
  'The debugger adds nothing to what the probe costs without it (see “Web applications under load”): the difference is the hooks of three tasks, a timeout and a lock a request.';

async function serve({ root, variant, python, program, kind, seconds }) {
  // The floor is part of the program: its hooks in place of the probe, under stock debugpy.
  const mode = variant === 'floor' ? 'floor' : 'none';
  const client = await launch({ variant: variant === 'ours' ? 'ours' : 'stock', python, program, args: [mode, kind, 'forever'] });
  try {
    const port = await client.event('output', (body) => /^\d+\s*$/.test(body.output), 0, 60_000);
    const { body } = await client.event('process');
    await client.request('setBreakpoints', { source: { path: program }, breakpoints: [{ line: marker(program, 'never') }] });
    await client.request('setExceptionBreakpoints', { filters: ['uncaught'] });
    return await load({ root, python, port: Number(port.body.output), seconds, pid: body.systemProcessId });
  } finally {
    await client.stop();
  }
}

export default async function debugApp({ root, rounds, quick, versions, benchPython, log }) {
  const program = join(root, 'test/bench/app.py');
  const rows = [];
  const measured = [];
  // Up to 3.11 debugpy traces with sys.settrace, later with sys.monitoring.
  for (const version of versions(['3.12', '3.11'])) {
    const target = await benchPython(version);
    if (!target) continue;
    measured.push(target.full);
    for (const kind of ['fastapi', 'aiohttp']) {
      const name = `${version} ${kind}`;
      const { samples, skipped } = await alternate(
        ['debugpy', 'floor', 'ours'],
        rounds,
        (variant) => serve({ root, variant, python: target.python, program, kind, seconds: quick ? 1 : 2 }),
        (text) => log(`${name}: ${text}`),
      );
      if (Object.keys(skipped).length > 0) throw new Error(`${name}: ${JSON.stringify(skipped)}`);
      const headline = version === '3.12' ? ['ours'] : [];
      rows.push(
        ...shares(name, samples, { budgets: { ours: BUDGET }, base: 'debugpy', why: { ours: WHY }, headline, floors: { ours: 'floor' } }),
      );
    }
  }
  return {
    title: 'Web applications under the debugger',
    rows,
    notes: [
      'One breakpoint set, stops on uncaught exceptions. Loopback, 16 connections; the load generator runs beside the server.',
      'floor: the least that records tasks, timeouts and locks, in this process and sent nowhere (test/bench/floor.py), under the same debugpy.',
    ],
    versions: `CPython ${measured.join(', ')}`,
  };
}
