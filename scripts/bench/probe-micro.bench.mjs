// Added CPU ns per operation, by the probe and by the alternatives, per interpreter.
import { join } from 'node:path';
import { alternate, median, row } from '../lib/measure.mjs';
import { must } from '../lib/run.mjs';

/** ns per operation at `standard` (PROBE.md's budgets). Operations without one are shown only. */
const STANDARD = {
  task: 2000,
  step: 100,
  'anyio scope': 1500,
  'asyncio.timeout': 1500,
  'trio scope': 1500,
  'lock, uncontended': 150,
  'lock, contended': 1500,
};
const LIGHT = { task: 1300 };
/** What test/bench/floor.py records too. */
const FLOOR = Object.keys(STANDARD);
/** What it records at `light`. */
const FLOOR_LIGHT = ['task'];
const HEADLINES = ['standard task', 'standard anyio scope', 'standard step'];
const WHY =
  'Pure Python, so each attribute of a frame costs 25 ns and each call into C 20 to 50: five frames of a stack are 500 to 600 ns, the callback at a task’s end 350, a row 110, what the loop’s turns and checks of the thread add 200 to 300. Beside each stands the floor, measured in the same run: hooks that do the least that records it.';
const whyScope = `${WHY} What lies between for scopes: deadlines and their changes, who leaves in which order, async generators, scopes that get lost, levels of detail, and that no fault of ours reaches the program.`;
const whyLock = `${WHY} What lies between for locks: the place of the acquire, several loops, levels of detail, waits that outlast a tick, and that no fault of ours reaches the program.`;
const why = (what) => (/scope|timeout/.test(what) ? whyScope : what.startsWith('lock') ? whyLock : WHY);
/** Alternatives that record who created a task, as we do: they must cost ten times as much. */
const SAME = ['asyncio-debug', 'aiomonitor'];

const PEERS_ON = '3.12';

export default async function probeMicro({ root, rounds, versions, benchPython, log }) {
  const rows = [];
  const notes = [
    'floor: the least that records the same, without all that makes a probe of it (test/bench/floor.py): births with five frames of stack and ends of tasks, scopes with host and leaver, rows packed; turns are counted; of a lock its holder, who waits since when, and how many waits there were. floor-light: without the stacks.',
    'CPU time per operation, minus the same without the probe: of the program’s own thread (to which the budgets apply), and of the whole process, which adds what the probe’s thread does to encode and send. Every sample is a process of its own.',
  ];
  const measured = [];
  for (const version of versions(['3.9', '3.11', '3.12', '3.13'])) {
    const target = await benchPython(version);
    if (!target) continue;
    measured.push(target.full);
    // The alternatives once: they take longer than all the rest.
    const peers = target.peers && version === PEERS_ON ? ['asyncio-debug', 'aiomonitor', 'viztracer', 'yappi'] : [];
    const modes = ['none', 'floor', 'floor-light', 'light', 'standard', 'full', ...peers];
    const { samples, skipped } = await alternate(
      modes,
      rounds,
      async (mode) => {
        const { output } = await must(target.python, [join(root, 'test/bench/micro.py'), mode, '3'], { quiet: true, timeoutMs: 120_000 });
        return JSON.parse(output.split('\n').findLast((line) => line.startsWith('{')));
      },
      (text) => log(`CPython ${version}: ${text}`),
    );
    for (const [mode, why] of Object.entries(skipped)) notes.push(`CPython ${version}: ${mode} skipped: ${why}`);
    const added = (mode, what) =>
      samples[mode].map((sample, index) => sample[what] - (samples.none[index] ?? samples.none[0])[what]).filter(Number.isFinite);
    const floorOf = (mode, what) => {
      if (mode === 'standard' && FLOOR.includes(what)) return median(added('floor', what));
      return mode === 'light' && FLOOR_LIGHT.includes(what) ? median(added('floor-light', what)) : undefined;
    };
    for (const what of Object.keys(samples.none[0] ?? {})) {
      for (const mode of modes.slice(1)) {
        const values = added(mode, what);
        if (values.length === 0) continue;
        const budget = mode === 'standard' ? STANDARD[what] : mode === 'light' ? LIGHT[what] : undefined;
        if (what.endsWith('all threads') && !(what.startsWith('task') && mode === 'standard')) continue;
        const onFloor = FLOOR.includes(what);
        const ofFloor = { floor: onFloor, 'floor-light': FLOOR_LIGHT.includes(what) }[mode];
        if (ofFloor !== undefined ? !ofFloor : budget === undefined && !(what === 'task') && mode !== 'standard') continue; // the table stays readable
        rows.push(
          row({
            what: `${version}: ${what}`,
            variant: mode,
            values,
            unit: 'ns',
            budget,
            digits: 0,
            why: budget === undefined ? undefined : why(what),
            floor: floorOf(mode, what),
            headline: version === PEERS_ON && HEADLINES.includes(`${mode} ${what}`),
          }),
        );
      }
    }
    const own = row({ what: '', values: added('standard', 'task'), unit: 'ns' }).value;
    for (const mode of SAME) {
      const values = (samples[mode] ? added(mode, 'task') : []).map((value) => value / own);
      if (values.length > 0)
        rows.push(
          row({ what: `${version}: task, times cheaper than`, variant: mode, values, unit: '×', budget: 10, atLeast: true, digits: 1 }),
        );
    }
  }
  return { title: 'Added cost per operation', rows, notes, versions: `CPython ${measured.join(', ')}` };
}
