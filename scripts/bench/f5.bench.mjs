// From the launch request to the program's first line, and to its first stop.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { launch } from '../lib/dap.mjs';
import { alternate, ratios, row } from '../lib/measure.mjs';

const BUDGET = 1.05;
/** `cold`: the probe's bytecode is not in the user's cache folder, as at the very first start after an update. */
const VARIANTS = ['debugpy', 'ours', 'cold'];

export default async function f5({ root, rounds, versions, benchPython, log }) {
  const [version] = versions(['3.12']);
  const { python, full } = await benchPython(version);
  const program = join(root, 'test/bench/f5_target.py');
  const folders = [];
  const cacheFolder = () => {
    const folder = mkdtempSync(join(tmpdir(), 'async-health-f5-'));
    folders.push(folder);
    return folder;
  };
  const warm = cacheFolder();
  const once = async (variant) => {
    const env = { XDG_CACHE_HOME: variant === 'cold' ? cacheFolder() : warm };
    const client = await launch({
      variant: variant === 'debugpy' ? 'stock' : 'ours',
      python,
      program,
      breakpoints: ['stop'],
      launch: { env },
    });
    try {
      await client.event('output', (body) => /started/.test(body.output));
      const startMs = performance.now() - client.launchedAt;
      const { body } = await client.event('stopped');
      const stopMs = performance.now() - client.launchedAt;
      await client.request('continue', { threadId: body.threadId });
      await client.event('terminated', () => true, 0, 20_000); // an orderly end, so that bytecode gets written
      return { startMs, stopMs };
    } finally {
      await client.stop();
    }
  };
  try {
    for (const variant of VARIANTS) await once(variant); // what the interpreter keeps between runs is there after that
    const { samples } = await alternate(VARIANTS, Math.max(rounds, 11), once, log);
    const rows = [];
    for (const [key, what] of [
      ['startMs', 'launch to program start'],
      ['stopMs', 'launch to first stop'],
    ]) {
      const of = (variant) => samples[variant].map((one) => one[key]);
      rows.push(row({ what, variant: 'debugpy', values: of('debugpy'), unit: 'ms', digits: 0 }));
      rows.push(row({ what, variant: 'ours', values: of('ours'), unit: 'ms', digits: 0 }));
      const line = { what: `${what}, ratio`, unit: '×', digits: 3 };
      rows.push(row({ ...line, variant: 'ours', values: ratios(of('ours'), of('debugpy')), budget: BUDGET, headline: true }));
      rows.push(row({ ...line, variant: 'ours, the very first time', values: ratios(of('cold'), of('debugpy')) }));
    }
    return {
      title: 'F5',
      versions: `CPython ${full}`,
      notes: ['“The very first time”: without the bytecode of the probe that a first run leaves in the user’s cache folder.'],
      rows,
    };
  } finally {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  }
}
