// The panel's page in Chromium, with 5,000 changes a second.
import { row } from '../lib/measure.mjs';
import { benchPanel } from './panel.mjs';

/** Figure of benchPanel → unit and budget. */
const SHOWN = {
  firstPaintMs: { label: 'first paint', unit: 'ms', budget: 200 },
  firstPaintCpuMs: { label: 'first paint, CPU of the main thread', unit: 'ms' },
  scriptMsPerFrame: { label: 'script a frame', unit: 'ms', budget: 16 },
  fps: { label: 'frames a second while scrolling', unit: '1/s', budget: 59, atLeast: true },
  slowestFrameMs: { label: 'slowest frame while scrolling', unit: 'ms' },
  messagesPerSecond: { label: 'messages a second', unit: '1/s', budget: 15 },
  heapMb: { label: 'JavaScript heap', unit: 'MB', budget: 150 },
  privateMb: { label: 'memory of the page’s process', unit: 'MB', budget: 150 },
  hiddenMessages: { label: 'messages while hidden', unit: 'messages', budget: 0 },
  hiddenScriptMs: { label: 'script while hidden', unit: 'ms/s', budget: 1 },
};

const HEADLINES = ['100000 firstPaintMs', '100000 scriptMsPerFrame', '100000 fps'];
const WHY = {
  firstPaintMs:
    'Chromium renders in software here, and page, browser and the model share two cores: what the page’s own main thread needs (its CPU up to then stands beside it) is evaluating the script (40 ms), drawing the first rows (45 ms), and style, layout and paint of 960 elements.',
  fps: 'Chromium renders in software here: the script’s own part of a frame stands beside it.',
};

export default async function panel({ rounds, quick, log }) {
  const { results } = await benchPanel({ runs: quick ? 1 : Math.min(rounds, 7), seconds: quick ? 2 : 3, log });
  const rows = results.flatMap((result) =>
    Object.entries(SHOWN).map(([key, { label, unit, budget, atLeast }]) =>
      row({
        what: `panel, ${result.tasks.toLocaleString('en')} tasks: ${label}`,
        values: result.samples.map((sample) => sample[key]),
        unit,
        budget,
        atLeast,
        headline: HEADLINES.includes(`${result.tasks} ${key}`),
        why: WHY[key],
      }),
    ),
  );
  return {
    title: 'The panel’s page',
    rows,
    detail: results,
    notes: ['Medians of the runs; 60 frames a second while scrolling, measured as 59 to allow for the timer.'],
  };
}
