// What benchmarks share: alternating runs, medians with spread, result rows and tables.
import { readFileSync } from 'node:fs';
import { cpus, loadavg, totalmem } from 'node:os';

export function median(values) {
  const sorted = values.filter((value) => Number.isFinite(value)).sort((a, b) => a - b);
  if (sorted.length === 0) return Number.NaN;
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function percentile(values, share) {
  const sorted = values.slice().sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
}

/**
 * Runs variants in turn, A B C A B C …, so that what the machine does meanwhile hits all alike. The order is reversed in every second
 * round. A variant that throws is out, and said so.
 * @template T
 * @param {string[]} variants
 * @param {number} rounds
 * @param {(variant: string, round: number) => Promise<T>} runOne
 * @returns {Promise<{samples: Record<string, T[]>, skipped: Record<string, string>}>}
 */
export async function alternate(variants, rounds, runOne, log = () => {}) {
  const samples = Object.fromEntries(variants.map((variant) => [variant, []]));
  const skipped = {};
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? variants : variants.slice().reverse();
    for (const variant of order) {
      if (skipped[variant]) continue;
      try {
        samples[variant].push(await runOne(variant, round));
      } catch (error) {
        skipped[variant] = error.message.split('\n').filter(Boolean).slice(-1)[0] ?? 'failed';
        log(`SKIPPED ${variant}: ${error.message}`);
      }
    }
    log(`round ${round + 1} of ${rounds}`);
  }
  return { samples, skipped };
}

/**
 * A clock in ms that stands while this process's main thread is ready to run and other processes have the cores: the wall clock of a
 * machine with a core to spare. Plain wall clock where the kernel does not tell (not Linux).
 */
export function freeClock() {
  let waitedNs = 0;
  try {
    waitedNs = Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[1]);
  } catch {
    // no such file
  }
  return performance.now() - waitedNs / 1e6;
}

/** Pair by pair: what each sample is of the base's sample of the same round. */
export function ratios(values, base) {
  return values.slice(0, base.length).map((value, index) => value / base[index]);
}

/**
 * One line of a result.
 * @param {{what: string, variant?: string, values: number[], unit: string, budget?: number, atLeast?: boolean, digits?: number,
 *   headline?: boolean, why?: string, floor?: number}} line
 *   `budget`: the most allowed, or with `atLeast` the least. `headline`: stands in the README's short table. `why`: what keeps the
 *   figure from its budget, printed when it is missed, with `floor`, the least that was measured to be possible.
 */
export function row({ what, variant, values, unit, budget, atLeast = false, digits = 2, headline = false, why, floor }) {
  const value = median(values);
  const round = (number) => Number(number.toFixed(digits));
  return {
    what,
    variant,
    value: round(value),
    low: round(Math.min(...values)),
    high: round(Math.max(...values)),
    n: values.length,
    unit,
    budget,
    atLeast,
    met: budget === undefined ? undefined : atLeast ? value >= budget : value <= budget,
    headline: headline || undefined,
    why,
    floor: Number.isFinite(floor) ? round(floor) : undefined,
  };
}

/** Markdown table of result rows. */
export function table(rows) {
  const cell = (one) => {
    const budget = one.budget === undefined ? '' : `${one.atLeast ? '≥' : '≤'} ${one.budget}`;
    const verdict = one.met === undefined ? '' : one.met ? 'yes' : '**no**';
    const spread = one.n > 1 ? `${one.low} … ${one.high}` : '';
    return `| ${[one.what, one.variant ?? '', `${one.value} ${one.unit}`.trim(), spread, budget, verdict].join(' | ')} |`;
  };
  return ['| what | with | median | spread | budget | met |', '| --- | --- | --- | --- | --- | --- |', ...rows.map(cell)].join('\n');
}

/** The machine, without its names. */
export function machine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
    loadAverage: Number(loadavg()[0].toFixed(1)),
  };
}
