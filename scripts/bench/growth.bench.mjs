// How cost grows with the number of tasks, scopes, findings and processes: linear or better. Writes out/bench/growth.svg.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freeClock, row } from '../lib/measure.mjs';
import { loadSources } from '../panel/server.mjs';

// Op numbers as in src/shared/wire.ts.
const TASK_NEW = 1;
const TASK_WAIT = 5;
const SCOPE_ENTER = 20;
const SCOPE_EXIT = 21;
const SESSION_OPEN = 60;
const CROSS_TASK = 1;

/** Things per step; each curve is measured at all of these. */
const SIZES = [1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000];

const defs = {
  strings: [
    [1, 'app.py'],
    [2, 'handle'],
  ],
  frames: [
    [1, 1, 2, 10],
    [2, 1, 2, 20],
  ],
  stacks: [
    [1, 1, 2],
    [2, 2, 1],
  ],
};

function batchesOf(rowsOf, count) {
  const batches = [];
  let rows = [];
  let seq = 0;
  let t = 0;
  const flush = () => {
    const message = {
      type: 'batch',
      pid: 1,
      seq: ++seq,
      t,
      rows: Buffer.from(BigInt64Array.from(rows, (number) => BigInt(Math.trunc(number))).buffer).toString('base64'),
    };
    if (seq === 1) message.defs = defs;
    batches.push(message);
    rows = [];
  };
  for (let index = 0; index < count; index++) {
    for (const [op, obj, task, aux, stack] of rowsOf((index + 1) * 4096)) {
      t += 1_000;
      rows.push(op, t, obj, task, aux, stack);
    }
    if (rows.length > 30_000) flush();
  }
  flush();
  return batches;
}

/** What grows. Each gives the rows for one more of it. */
const CURVES = {
  tasks: (address) => [
    [TASK_NEW, address, 4096, 2, 1],
    [TASK_WAIT, address, 0, 3, 1],
  ],
  scopes: (address) => [
    [TASK_NEW, address, 4096, 2, 1],
    [SCOPE_ENTER, address + 8, address, 1, 1],
  ],
  findings: (address) => [
    [TASK_NEW, address, 4096, 2, 1],
    [TASK_NEW, address + 16, 4096, 2, 1],
    [SCOPE_ENTER, address + 8, address, 1, 1],
    [SCOPE_EXIT, address + 8, address + 16, CROSS_TASK, 2],
  ],
  sessions: (address) => [[SESSION_OPEN, address, 0, 2, 1]],
};

/**
 * ms to take in `count` things, and then one tick of an open panel.
 *
 * As many programs of that size are taken in as make up the largest size, one after another and all kept: the engine's collector then
 * has the same to do for every size, and does not look like growth.
 */
function measure({ HealthModel, PanelFeed, decodeBatch }, rowsOf, count, processes = 1) {
  const batches = batchesOf(rowsOf, Math.ceil(count / processes)).map((message) => [message]);
  const programs = Math.round(SIZES.at(-1) / count);
  const kept = Array.from({ length: processes * programs }, () => new HealthModel({}));
  const begin = freeClock();
  for (const model of kept) for (const [message] of batches) model.ingest(decodeBatch(message));
  const ingestMs = (freeClock() - begin) / programs;
  const models = kept.slice(0, processes);
  const feed = new PanelFeed(() => {});
  const info = (id) => ({ id: String(id), label: 'growth', state: 'running', probe: 'live', findings: 0 });
  feed.setProcesses(models.map((model, index) => ({ info: info(index), model })));
  feed.handle({ type: 'ready', views: { tasks: { offset: 0, limit: 60 }, findings: { offset: 0, limit: 60 } } });
  feed.tick();
  const tick = freeClock();
  feed.tick();
  return { ingestMs, tickMs: freeClock() - tick };
}

/** Slope in a log-log plot by least squares: 1 is linear. */
function exponent(points) {
  const logs = points.map(([x, y]) => [Math.log(x), Math.log(Math.max(y, 1e-3))]);
  const mean = (index) => logs.reduce((sum, point) => sum + point[index], 0) / logs.length;
  const [mx, my] = [mean(0), mean(1)];
  return logs.reduce((sum, [x, y]) => sum + (x - mx) * (y - my), 0) / logs.reduce((sum, [x]) => sum + (x - mx) ** 2, 0);
}

const COLOURS = ['#1f77b4', '#d62728', '#2ca02c', '#9467bd', '#ff7f0e'];

/** Log-log plot. */
function plot(curves) {
  const [width, height, left, bottom] = [760, 460, 70, 50];
  const points = Object.values(curves).flat();
  const range = (index) => [Math.min(...points.map((p) => p[index])), Math.max(...points.map((p) => p[index]))].map(Math.log10);
  const [[x0, x1], [y0, y1]] = [range(0), range(1)];
  const x = (value) => left + ((Math.log10(value) - x0) / (x1 - x0)) * (width - left - 130);
  const y = (value) => height - bottom - ((Math.log10(value) - y0) / (y1 - y0)) * (height - bottom - 30);
  const parts = [];
  for (let power = Math.ceil(y0); power <= y1; power++) {
    parts.push(`<line x1="${left}" x2="${width - 130}" y1="${y(10 ** power)}" y2="${y(10 ** power)}" stroke="#ddd"/>`);
    parts.push(`<text x="${left - 8}" y="${y(10 ** power) + 4}" text-anchor="end">${10 ** power} ms</text>`);
  }
  for (const size of SIZES)
    parts.push(`<text x="${x(size)}" y="${height - bottom + 18}" text-anchor="middle">${size >= 1000 ? `${size / 1000}k` : size}</text>`);
  for (const [index, [name, list]] of Object.entries(curves).entries()) {
    const colour = COLOURS[index % COLOURS.length];
    parts.push(
      `<polyline fill="none" stroke="${colour}" stroke-width="2" points="${list.map(([px, py]) => `${x(px).toFixed(1)},${y(py).toFixed(1)}`).join(' ')}"/>`,
    );
    const [lx, ly] = list.at(-1);
    parts.push(`<text x="${x(lx) + 8}" y="${y(ly) + 4}" fill="${colour}">${name}</text>`);
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/><text x="${left}" y="18">Time to take them in, by number</text>${parts.join('')}</svg>\n`;
}

export default async function growth({ rounds, output, log }) {
  const sources = await loadSources();
  const curves = {};
  const rows = [];
  const all = { ...CURVES, 'tasks in 8 processes': CURVES.tasks };
  for (const [name, rowsOf] of Object.entries(all)) {
    const processes = name.includes('8') ? 8 : 1;
    measure(sources, rowsOf, SIZES.at(-1), processes); // compiled by the engine from here on
    const perSize = SIZES.map(() => []);
    for (let round = 0; round < Math.min(rounds, 5); round++) {
      for (const [index, size] of SIZES.entries()) perSize[index].push(measure(sources, rowsOf, size, processes));
    }
    // The best of the rounds: what disturbs, a collection of the engine's garbage above all, only adds.
    const points = (key) => perSize.map((samples, index) => [SIZES[index], Math.min(...samples.map((sample) => sample[key]))]);
    curves[name] = points('ingestMs');
    rows.push(
      row({
        what: `${name}: exponent of the cost`,
        variant: 'model',
        values: [exponent(points('ingestMs'))],
        unit: '',
        budget: 1.1,
        headline: name === 'tasks',
      }),
    );
    rows.push(
      row({
        what: `${name}: one tick of the panel at ${SIZES.at(-1)}`,
        variant: 'feed',
        values: perSize.at(-1).map((sample) => sample.tickMs),
        unit: 'ms',
      }),
    );
    log(name);
  }
  writeFileSync(join(output, 'growth.svg'), plot(curves));
  return { title: 'Growth', rows, notes: ['Exponent 1 is linear. Plot: `out/bench/growth.svg`.'], curves };
}
