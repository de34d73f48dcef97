// What a run of the benches leaves behind: "What it costs" in the README (the headlines), test/bench/RESULTS.md (every figure), and the
// list of missed budgets, each with the reason that its bench gives.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { table } from '../lib/measure.mjs';

const BEGIN = '<!-- bench:begin -->';
const END = '<!-- bench:end -->';

const limit = (one) => (one.budget === undefined ? '' : `${one.atLeast ? '≥' : '≤'} ${one.budget}`);
const amount = (one) => `${one.value.toLocaleString('en', { maximumFractionDigits: 3 })} ${one.unit}`.trim();
const named = (one) => [one.what, one.variant].filter(Boolean).join(', ');

/** [{bench, row}] of the rows that `wanted` takes. */
function rowsOf(benches, wanted) {
  return benches.flatMap(([name, { rows }]) => rows.filter(wanted).map((row) => ({ bench: name, row })));
}

/** Which budgets are missed, as Markdown lines: each reason once, below it what it keeps from its budget. */
export function missedBudgets(benches) {
  const missed = rowsOf(benches, (row) => row.met === false);
  const byReason = new Map();
  for (const { bench, row } of missed) {
    const reason = row.why ?? 'No reason is known yet.';
    const floor = row.floor === undefined ? '' : `, floor ${amount({ ...row, value: row.floor })}`;
    const line = `  - ${bench}: ${named(row)}: ${amount(row)}, budget ${limit(row)}${floor}`;
    byReason.set(reason, [...(byReason.get(reason) ?? []), line]);
  }
  return { count: missed.length, lines: [...byReason].flatMap(([reason, lines]) => [`- ${reason}`, ...lines]) };
}

function conditions({ date, rounds, machine, versions }) {
  const { cores, cpu, platform, node, loadAverage } = machine;
  return `${date}, ${rounds} rounds, ${cores} × ${cpu} (${platform}), Node ${node}${versions ? `, ${versions}` : ''}, load ${loadAverage}`;
}

/** The README's short table. */
function headlines(benches) {
  const lines = ['| what | measured | budget | |', '| --- | --- | --- | --- |'];
  for (const { row } of rowsOf(benches, (one) => one.headline)) {
    const verdict = row.met === undefined ? '' : row.met ? 'met' : '**missed**';
    lines.push(`| ${named(row)} | ${amount(row)} | ${limit(row)} | ${verdict} |`);
  }
  return lines;
}

/** Rewrites README.md and test/bench/RESULTS.md. `benches`: [name, result] in order. */
export function writeReports(root, benches) {
  const budgets = rowsOf(benches, (row) => row.met !== undefined);
  const missed = missedBudgets(benches);
  const dates = benches.map(([, { date }]) => date).sort();
  const readme = [
    '',
    'Each figure is the median of runs that alternate with and without; see [all of them](test/bench/RESULTS.md), with spread, machine and the',
    'alternatives measured beside. `npm run bench` measures anew and rewrites this section.',
    '',
    ...headlines(benches),
    '',
    `${budgets.length - missed.count} of ${budgets.length} budgets are met (${dates.at(-1) ?? 'not measured yet'}).`,
    ...(missed.count > 0 ? ['', '<details><summary>Missed, and why</summary>', '', ...missed.lines, '', '</details>'] : []),
    '',
  ];
  const path = join(root, 'README.md');
  const text = readFileSync(path, 'utf8');
  const [from, to] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`README.md has no ${BEGIN} … ${END}: "What it costs" can't be written.`);
  writeFileSync(path, text.slice(0, from + BEGIN.length) + readme.join('\n') + text.slice(to));

  const all = ['# What it costs: every figure', '', 'Written by `npm run bench`; [NOTES.md](NOTES.md) says what was tried.', ''];
  for (const [, bench] of benches) {
    all.push(
      `## ${bench.title}`,
      '',
      table(bench.rows),
      '',
      ...(bench.notes ?? []).map((note) => `- ${note}`),
      `- ${conditions(bench)}.`,
      '',
    );
  }
  if (missed.count > 0) all.push('## Missed budgets', '', ...missed.lines, '');
  writeFileSync(join(root, 'test/bench/RESULTS.md'), `${all.join('\n').trimEnd()}\n`);
}
