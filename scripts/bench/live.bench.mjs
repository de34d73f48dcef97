// From an event in the program to the painted row in the panel: program → probe → debugpy → adapter → model → feed → page in Chromium.
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { findChromium } from '../lib/chromium.mjs';
import { launch } from '../lib/dap.mjs';
import { percentile, row } from '../lib/measure.mjs';
import { loadSources, servePanel } from '../panel/server.mjs';

/** Least and longest time between two ticks of the feed, as in the editor. */
const TICK_MS = 90;
const IDLE_TICK_MS = 300;

async function session({ sources, python, program, changes, seconds }) {
  const client = await launch({ variant: 'ours', python, program, args: [String(changes), String(seconds + 3)] });
  const { adapter } = client;
  const latencies = [];
  /** Births first shown by the message of that number, ms since 1970. */
  const births = new Map();
  const seen = new Set();
  let feed;
  let ticker;
  const server = await servePanel({
    panelPage: sources.panelPage,
    connect: (send) => {
      const info = () => ({ id: 'live', label: 'live', state: 'running', probe: adapter.probe.status, findings: 0 });
      feed = new sources.PanelFeed((message) => {
        const list = message.lists?.tasks;
        const fresh = (list?.rows ?? list?.changed ?? []).filter((one) => /^t \d/.test(one.name) && !seen.has(one.id));
        for (const one of fresh) seen.add(one.id);
        births.set(
          message.seq,
          fresh.map((one) => Number(one.name.slice(2))),
        );
        send(message);
      });
      feed.setProcesses([{ info: info(), model: adapter.health }]);
      ticker = new sources.Ticker(
        () => {
          feed.setProcesses([{ info: info(), model: adapter.health }]);
          feed.tick();
        },
        TICK_MS,
        IDLE_TICK_MS,
      );
      ticker.start();
      adapter.probe.onBatch(() => ticker.wake());
      return {
        handle: (message) => {
          if (message.type === 'painted') {
            for (const [seq, list] of births) {
              if (seq > message.seq) continue;
              births.delete(seq);
              for (const born of list) latencies.push(Date.now() - born);
            }
          }
          feed.handle(message);
          // The newest first, as a user sorts who wants to see what comes.
          if (message.type === 'ready' || (message.type === 'view' && message.list === 'tasks')) {
            feed.handle({ type: 'view', list: 'tasks', query: { offset: 0, limit: 60, sort: { key: 'ageMs', descending: false } } });
          }
        },
        setVisible: (shown) => feed.setVisible(shown),
        close: () => ticker.stop(),
      };
    },
  });
  const browser = await chromium.launch({ executablePath: findChromium(), args: ['--no-sandbox', '--disable-gpu', '--no-first-run'] });
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    await page.addInitScript(() => sessionStorage.setItem('async-health-state', JSON.stringify({ tab: 'tasks' })));
    await page.goto(server.url);
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    latencies.length = 0; // the first ones were older than the page
    await new Promise((resolve) => setTimeout(resolve, seconds * 1_000));
    if (latencies.length < 50) throw new Error(`only ${latencies.length} rows were painted`);
    return { p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99), rows: latencies.length };
  } finally {
    ticker?.stop();
    await browser.close();
    await server.close();
    await client.stop();
  }
}

export default async function live({ root, rounds, quick, versions, benchPython, log }) {
  const [version] = versions(['3.12']);
  const { python, full } = await benchPython(version);
  const sources = await loadSources();
  const samples = [];
  for (let round = 0; round < rounds; round++) {
    samples.push(
      await session({ sources, python, program: join(root, 'test/bench/live_target.py'), changes: 5_000, seconds: quick ? 2 : 5 }),
    );
    log(`round ${round + 1} of ${rounds}: p50 ${samples.at(-1).p50} ms, p99 ${samples.at(-1).p99} ms`);
  }
  return {
    title: 'From the program to the painted row',
    versions: `CPython ${full}`,
    notes: [
      '5,000 changes a second: tasks that are born, wait and end. The age of each new row among the 60 newest when the page says that it has painted it.',
    ],
    rows: [
      row({
        what: 'event to painted row, median',
        variant: 'ours',
        values: samples.map((one) => one.p50),
        unit: 'ms',
        budget: 100,
        headline: true,
        digits: 0,
      }),
      row({
        what: 'event to painted row, 99th percentile',
        variant: 'ours',
        values: samples.map((one) => one.p99),
        unit: 'ms',
        budget: 250,
        headline: true,
        digits: 0,
      }),
    ],
  };
}
