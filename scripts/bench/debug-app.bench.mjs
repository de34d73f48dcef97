// Requests per second of the web applications under the debugger: stock debugpy, and with us.
import { join } from 'node:path';
import { launch } from '../lib/dap.mjs';
import { alternate } from '../lib/measure.mjs';
import { load, shares } from '../lib/serve.mjs';

export default async function debugApp({ root, rounds, quick, versions, benchPython, log }) {
  const [version] = versions(['3.12']);
  const { python, full } = await benchPython(version);
  const program = join(root, 'test/bench/app.py');
  const rows = [];
  for (const kind of ['fastapi', 'aiohttp']) {
    const { samples } = await alternate(
      ['debugpy', 'ours'],
      rounds,
      async (variant) => {
        const client = await launch({ variant: variant === 'ours' ? 'ours' : 'stock', python, program, args: ['none', kind, 'forever'] });
        try {
          const port = await client.event('output', (body) => /^\d+\s*$/.test(body.output), 0, 60_000);
          await new Promise((resolve) => setTimeout(resolve, 500));
          return await load({ root, python, port: Number(port.body.output), seconds: quick ? 1.5 : 3 });
        } finally {
          await client.stop();
        }
      },
      (text) => log(`${kind}: ${text}`),
    );
    rows.push(...shares(kind, samples, { ours: 0.95 }, 'debugpy'));
  }
  return { title: 'Web applications under the debugger', rows, versions: `CPython ${full}` };
}
