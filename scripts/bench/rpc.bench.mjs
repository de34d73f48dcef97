// Round trips at a stop: stackTrace, scopes, variables, next; without other tasks and with 10,000. Beside stock debugpy, whose answers wait
// for the peer's delayed acknowledgement, and beside the bare connection: stock debugpy with that repaired.
import { join } from 'node:path';
import { launch } from '../lib/dap.mjs';
import { alternate, median, row } from '../lib/measure.mjs';

const REPEAT = 20;
const NO_DELAY = "__import__('sys').modules['_pydevd_bundle.pydevd_constants'].get_global_debugger().writer.sock.setsockopt(6, 1, 1)";

const extra = 'The adapter is one more process hop and parses each message once more: 0.1 to 0.2 ms.';
const WHY = {
  scopes: extra,
  variables: extra,
  stackTrace: extra,
  next: `${extra} A step is planned by the thread as it goes on (it stays with its task), and a stop tells which task runs: 0.15 ms in the process.`,
};

async function timed(work) {
  const begin = performance.now();
  const result = await work();
  return [performance.now() - begin, result];
}

async function session({ variant, python, program, tasks }) {
  const client = await launch({
    variant: variant === 'ours' ? 'ours' : 'stock',
    python,
    program,
    args: [String(tasks)],
    breakpoints: ['stop'],
  });
  try {
    const stopped = await client.event('stopped', () => true, 0, 60_000);
    const { threadId } = stopped.body;
    if (variant === 'bare') await client.request('evaluate', { expression: NO_DELAY });
    const times = { stackTrace: [], scopes: [], variables: [], next: [] };
    for (let index = 0; index < REPEAT; index++) {
      const [stack, { stackFrames }] = await timed(() => client.request('stackTrace', { threadId, startFrame: 0, levels: 20 }));
      const [scoped, { scopes }] = await timed(() => client.request('scopes', { frameId: stackFrames[0].id }));
      const [variables] = await timed(() => client.request('variables', { variablesReference: scopes[0].variablesReference }));
      const from = client.received.length;
      const [next] = await timed(async () => {
        await client.request('next', { threadId });
        await client.event('stopped', () => true, from);
      });
      for (const [name, ms] of Object.entries({ stackTrace: stack, scopes: scoped, variables, next })) times[name].push(ms);
    }
    return Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]));
  } finally {
    await client.stop();
  }
}

export default async function rpc({ root, rounds, versions, benchPython, log }) {
  const [version] = versions(['3.12']);
  const { python, full } = await benchPython(version);
  const program = join(root, 'test/bench/rpc_target.py');
  const rows = [];
  for (const tasks of [0, 10_000]) {
    const { samples } = await alternate(
      ['stock', 'bare', 'ours'],
      rounds,
      (variant) => session({ variant, python, program, tasks }),
      (text) => log(`${tasks} tasks: ${text}`),
    );
    for (const name of ['stackTrace', 'scopes', 'variables', 'next']) {
      const of = (variant) => samples[variant].map((one) => one[name]);
      const what = `${tasks} tasks: ${name}`;
      rows.push(row({ what, variant: 'debugpy', values: of('stock'), unit: 'ms' }));
      rows.push(row({ what, variant: 'bare connection', values: of('bare'), unit: 'ms' }));
      rows.push(row({ what, variant: 'ours', values: of('ours'), unit: 'ms' }));
      const ratio = (base) => of('ours').map((value, index) => value / base[index]);
      rows.push(
        row({
          what: `${what}, ratio to debugpy`,
          variant: 'ours',
          values: ratio(of('stock')),
          unit: '×',
          budget: 0.1,
          digits: 3,
          headline: tasks > 0,
        }),
      );
      rows.push(
        row({
          what: `${what}, ratio to the bare connection`,
          variant: 'ours',
          values: ratio(of('bare')),
          unit: '×',
          budget: 1.2,
          digits: 3,
          why: WHY[name],
        }),
      );
    }
  }
  const notes = [
    `Median of ${REPEAT} round trips a session, one session a sample. The bare connection is stock debugpy with TCP_NODELAY set in the program.`,
  ];
  return { title: 'Round trips at a stop', rows, notes, versions: `CPython ${full}` };
}
