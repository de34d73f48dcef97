// Bench "panel": the panel's page in Chromium on the real model, at 1,000, 10,000 and 100,000 live tasks of which 5,000 things
// change a second. Prints JSON.
//   node scripts/bench/panel.mjs [--tasks 1000,10000,100000] [--changes 5000] [--runs 3] [--seconds 4] [--chromium PATH]
// Each result also carries the single runs in `samples`.
//
// What is measured, per size (medians of the runs):
//   firstPaintMs   from the page's navigation to the first painted frame that shows rows (a fresh page, program already running)
//   firstPaintCpuMs   main-thread CPU time up to then, the outer page and the harness's waiting included
//   scriptMsPerFrame, styleLayoutMsPerFrame   main-thread CPU of script, and of style + layout, per drawn frame while rows change live
//   taskP99Ms, taskMaxMs                      longest main-thread tasks in that time (includes the harness's own forwarding)
//   fps, slowestFrameMs                       while the tasks scroll by 40 px a frame, changes going on
//   messagesPerSecond, kbPerSecond            from host to page
//   heapMb, privateMb                         JavaScript heap in use after a collection; private memory of the renderer (Linux)
//   hiddenMessages, hiddenScriptMs            messages and script ms per second while the panel is hidden
import { existsSync, readFileSync } from 'node:fs';
import { loadavg } from 'node:os';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { chromium } from 'playwright-core';
import { loadSources, servePanel } from '../panel/server.mjs';
import { syntheticSource } from '../panel/source.mjs';

export const BUDGETS = {
  firstPaintMs: 200,
  scriptMsPerFrame: 16,
  fps: 59,
  messagesPerSecond: 15,
  heapMb: 150,
  hiddenMessages: 0,
  hiddenScriptMs: 1,
};

const BROWSER_STARTS_MS = 1500;

const median = (values) => {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  return sorted.length === 0 ? undefined : sorted[sorted.length >> 1];
};
const round = (value, digits = 1) => (value === undefined ? undefined : Number(value.toFixed(digits)));
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function findChromium(given) {
  const found = [given, process.env.CHROMIUM, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'].find(
    (path) => path && existsSync(path),
  );
  if (!found) throw new Error('Chromium was not found: install it (Debian: apt-get install chromium) or pass --chromium PATH');
  return found;
}

/** Counters of the renderer's main thread, s → ms. */
async function counters(client) {
  const { metrics } = await client.send('Performance.getMetrics');
  const get = (name) => metrics.find((metric) => metric.name === name)?.value ?? 0;
  return {
    scriptMs: get('ScriptDuration') * 1000,
    styleLayoutMs: (get('LayoutDuration') + get('RecalcStyleDuration')) * 1000,
    taskMs: get('TaskDuration') * 1000,
    heap: get('JSHeapUsedSize'),
  };
}

/** Private memory of the page's renderer process in MB; undefined where /proc is not. */
async function privateMb(browser) {
  if (process.platform !== 'linux') return undefined;
  const client = await browser.newBrowserCDPSession();
  const { processInfo } = await client.send('SystemInfo.getProcessInfo');
  await client.detach();
  let most;
  for (const { type, id } of processInfo) {
    if (type !== 'renderer') continue;
    try {
      const text = readFileSync(`/proc/${id}/smaps_rollup`, 'utf8');
      const kb = [...text.matchAll(/^Private_\w+:\s+(\d+) kB$/gm)].reduce((sum, match) => sum + Number(match[1]), 0);
      most = Math.max(most ?? 0, kb / 1024);
    } catch {
      // The process is gone.
    }
  }
  return most;
}

/** Main-thread task durations of a trace, ms, longest first. */
function taskDurations(trace) {
  const { traceEvents } = JSON.parse(trace.toString());
  const mains = new Set(
    traceEvents.filter((e) => e.name === 'thread_name' && e.args?.name === 'CrRendererMain').map((e) => `${e.pid}.${e.tid}`),
  );
  return traceEvents
    .filter((e) => e.ph === 'X' && e.name === 'RunTask' && mains.has(`${e.pid}.${e.tid}`))
    .map((e) => (e.dur ?? 0) / 1000)
    .sort((a, b) => b - a);
}

/** One page, one size: everything that is measured. */
async function measure(sources, executablePath, { tasks, changes, seconds }) {
  let host;
  let painted;
  // Watched from here, not by a script in the page: that would be measured as well.
  const firstPaint = new Promise((resolve, reject) => {
    painted = resolve;
    setTimeout(() => reject(new Error('the page painted nothing within 60 s')), 60_000).unref();
  });
  const connect = syntheticSource(sources, { tasks, changesPerSecond: changes });
  const server = await servePanel({
    panelPage: sources.panelPage,
    connect: (send) => {
      host = connect(send);
      return {
        close: () => host.close(),
        handle(message) {
          if (message.type === 'painted') painted();
          host.handle(message);
        },
      };
    },
  });
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1200, height: 800 } });
    const client = await page.context().newCDPSession(page);
    // Thread time: what the page itself costs, whatever else the machine does.
    await client.send('Performance.enable', { timeDomain: 'threadTicks' });
    // The tasks' tab, as if the user had left the panel there.
    await page.addInitScript(() => sessionStorage.setItem('async-health-state', JSON.stringify({ tab: 'tasks' })));
    // In an editor the browser itself has started long before: its other processes still do so for most of a second here.
    await sleep(BROWSER_STARTS_MS);
    await page.goto(server.url);
    await firstPaint;
    const firstPaintCpuMs = (await counters(client)).taskMs;
    const frame = page.frames().find((one) => one.url().includes('/frame'));
    const firstPaintMs = await frame.evaluate(() => window.firstPainted);

    // Live: rows change, nobody scrolls.
    await sleep(500);
    const messagesBefore = { ...server.stats };
    const before = await counters(client);
    await browser.startTracing(page, { categories: ['toplevel', 'devtools.timeline', 'disabled-by-default-devtools.timeline'] });
    const frames = await frame.evaluate(
      (ms) =>
        new Promise((resolve) => {
          const painted = window.paintedCount;
          setTimeout(() => resolve(window.paintedCount - painted), ms);
        }),
      seconds * 1000,
    );
    const durations = taskDurations(await browser.stopTracing());
    const after = await counters(client);
    const messages = server.stats.messages - messagesBefore.messages;
    const bytes = server.stats.bytes - messagesBefore.bytes;

    // Scrolling through everything that is there, changes going on.
    const scroll = await frame.evaluate(
      (ms) =>
        new Promise((resolve) => {
          const grid = document.querySelector('ah-app').shadowRoot.querySelector('ah-tasks').shadowRoot.querySelector('ah-grid');
          const scroller = grid.shadowRoot.querySelector('.scroller');
          const start = performance.now();
          let last = start;
          let count = 0;
          let slowest = 0;
          let empty = 0;
          let down = 1;
          const step = (now) => {
            if (count > 0) slowest = Math.max(slowest, now - last);
            last = now;
            count++;
            if (grid.shadowRoot.querySelector('.row[aria-busy]')) empty++;
            if (scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 1) down = -1;
            else if (scroller.scrollTop <= 0) down = 1;
            scroller.scrollTop += 40 * down;
            if (now - start < ms) requestAnimationFrame(step);
            else resolve({ fps: ((count - 1) * 1000) / (now - start), slowest, framesWithGaps: empty });
          };
          requestAnimationFrame(step);
        }),
      seconds * 1000,
    );

    await client.send('HeapProfiler.collectGarbage');
    const heap = (await counters(client)).heap;
    const renderer = await privateMb(browser);

    // Hidden, as the editor hides it.
    await frame.evaluate(() => {
      Object.defineProperty(document, 'visibilityState', { configurable: true, get: () => 'hidden' });
      document.dispatchEvent(new Event('visibilitychange'));
    });
    host.setVisible(false);
    await sleep(300);
    const hiddenBefore = { messages: server.stats.messages, ...(await counters(client)) };
    await sleep(2000);
    const hiddenAfter = await counters(client);

    return {
      firstPaintMs,
      firstPaintCpuMs,
      scriptMsPerFrame: (after.scriptMs - before.scriptMs) / Math.max(1, frames),
      styleLayoutMsPerFrame: (after.styleLayoutMs - before.styleLayoutMs) / Math.max(1, frames),
      taskP99Ms: durations[Math.floor(durations.length / 100)] ?? 0,
      taskMaxMs: durations[0] ?? 0,
      fps: scroll.fps,
      slowestFrameMs: scroll.slowest,
      framesWithGaps: scroll.framesWithGaps,
      messagesPerSecond: messages / seconds,
      kbPerSecond: bytes / 1024 / seconds,
      heapMb: heap / 2 ** 20,
      privateMb: renderer,
      hiddenMessages: server.stats.messages - hiddenBefore.messages,
      hiddenScriptMs: (hiddenAfter.scriptMs - hiddenBefore.scriptMs) / 2,
    };
  } finally {
    await browser.close();
    await server.close();
  }
}

/** @returns {Promise<{ bench: 'panel', changesPerSecond: number, runs: number, loadAverage: number, budgets: object, results: object[], missed: string[] }>} */
export async function benchPanel({
  sizes = [1_000, 10_000, 100_000],
  changes = 5_000,
  runs = 3,
  seconds = 4,
  chromium: given,
  log = () => {},
} = {}) {
  const executablePath = findChromium(given);
  const sources = await loadSources();
  const results = [];
  const missed = [];
  for (const tasks of sizes) {
    const samples = [];
    for (let run = 0; run < runs; run++) {
      log(`panel: ${tasks} tasks, run ${run + 1} of ${runs}`);
      samples.push(await measure(sources, executablePath, { tasks, changes, seconds }));
    }
    const result = { tasks };
    for (const key of Object.keys(samples[0])) result[key] = round(median(samples.map((sample) => sample[key])), key === 'fps' ? 1 : 2);
    result.samples = samples;
    results.push(result);
    for (const [key, budget] of Object.entries(BUDGETS)) {
      const value = result[key];
      if (value !== undefined && (key === 'fps' ? value < budget : value > budget))
        missed.push(`${tasks} tasks: ${key} is ${value}, budget ${budget}`);
    }
  }
  return { bench: 'panel', changesPerSecond: changes, runs, loadAverage: round(loadavg()[0]), budgets: BUDGETS, results, missed };
}

if (process.argv[1] && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({
    options: {
      tasks: { type: 'string', default: '1000,10000,100000' },
      changes: { type: 'string', default: '5000' },
      runs: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '4' },
      chromium: { type: 'string' },
    },
  });
  const result = await benchPanel({
    sizes: values.tasks.split(',').map(Number),
    changes: Number(values.changes),
    runs: Number(values.runs),
    seconds: Number(values.seconds),
    chromium: values.chromium,
    log: (text) => process.stderr.write(`${text}\n`),
  });
  console.log(JSON.stringify(result, undefined, 2));
}
