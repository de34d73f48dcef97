// Starts test/bench/app.py in one mode, puts load on it, ends it.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { row } from './measure.mjs';
import { must } from './run.mjs';

const START_MS = 30_000;

/** @returns {Promise<{rps: number, p50_ms: number, p99_ms: number, errors: number}>} */
export async function serve({ root, python, mode, kind, seconds }) {
  const child = spawn(python, [join(root, 'test/bench/app.py'), mode, kind], { stdio: ['pipe', 'pipe', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (chunk) => {
    errors = (errors + chunk).slice(-2_000);
  });
  try {
    const port = await new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${mode}: no port within ${START_MS} ms\n${errors}`)), START_MS);
      createInterface({ input: child.stdout }).on('line', (line) => {
        if (/^\d+$/.test(line)) {
          clearTimeout(timer);
          resolve(Number(line));
        }
      });
      child.on('exit', (code) => reject(new Error(`${mode}: the server ended with ${code}\n${errors}`)));
    });
    return await load({ root, python, port, seconds });
  } finally {
    child.stdin.end();
    setTimeout(() => child.kill('SIGKILL'), 2_000).unref();
  }
}

export async function load({ root, python, port, seconds }) {
  const { output } = await must(python, [join(root, 'test/bench/load.py'), String(port), String(seconds)], {
    quiet: true,
    timeoutMs: 60_000,
  });
  const result = JSON.parse(output.trim().split('\n').at(-1));
  if (result.errors > 0) throw new Error(`${result.errors} requests failed`);
  return result;
}

/** Result rows: requests per second without, and each variant's share of it. The best alternative must be behind us. */
export function shares(kind, samples, budgets, base = 'none') {
  const rows = [row({ what: `${kind}: requests/s`, variant: base, values: samples[base].map((one) => one.rps), unit: '1/s', digits: 0 })];
  for (const [variant, list] of Object.entries(samples)) {
    if (variant === base || list.length === 0) continue;
    const values = list.map((one, index) => one.rps / (samples[base][index] ?? samples[base].at(-1)).rps);
    rows.push(row({ what: `${kind}: share of requests/s`, variant, values, unit: '', budget: budgets[variant], atLeast: true, digits: 3 }));
  }
  return rows;
}
