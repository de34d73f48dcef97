// The panel's page in Chromium, with 5,000 changes a second.
import { row } from '../lib/measure.mjs';
import { benchPanel } from './panel.mjs';

/** Figure of benchPanel → unit and budget. */
const SHOWN = {
  firstPaintMs: { unit: 'ms', budget: 200 },
  firstPaintCpuMs: { unit: 'ms' },
  scriptMsPerFrame: { unit: 'ms', budget: 16 },
  fps: { unit: '1/s', budget: 59, atLeast: true },
  slowestFrameMs: { unit: 'ms' },
  messagesPerSecond: { unit: '1/s', budget: 15 },
  heapMb: { unit: 'MB', budget: 150 },
  privateMb: { unit: 'MB', budget: 150 },
  hiddenMessages: { unit: 'messages', budget: 0 },
  hiddenScriptMs: { unit: 'ms/s', budget: 1 },
};

const HEADLINES = ['100000 firstPaintMs', '100000 scriptMsPerFrame', '100000 fps'];
const WHY = {
  firstPaintMs:
    'Chromium renders in software here, and page, browser and the model share two cores: the page’s own main thread needs less (firstPaintCpuMs).',
  fps: 'Chromium renders in software here: the script’s part of a frame is scriptMsPerFrame.',
};

export default async function panel({ rounds, quick, log }) {
  const { results } = await benchPanel({ runs: quick ? 1 : Math.min(rounds, 7), seconds: quick ? 2 : 3, log });
  const rows = results.flatMap((result) =>
    Object.entries(SHOWN).map(([key, { unit, budget, atLeast }]) =>
      row({
        what: `${result.tasks} tasks: ${key}`,
        variant: 'panel',
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
