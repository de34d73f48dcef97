// What `npm run compat` says: findings put to the test during which they appeared, and the tables.
import { createReadStream, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { root } from './pythons.mjs';
import { must } from './run.mjs';

/**
 * Findings that a suite provokes on purpose: `{suite, code, test (regular expression on the test's id), why}`.
 * @type {() => {suite: string, code: string, test: string, why: string}[]}
 */
const expected = () => JSON.parse(readFileSync(join(root, 'test/compat/expected.json'), 'utf8'));

/** Hooks that gave up and messages of the probe, from the recording itself. */
async function notesOf(recording) {
  const notes = new Map();
  for await (const line of createInterface({ input: createReadStream(recording) })) {
    if (!line.includes('"notes"')) continue;
    for (const note of JSON.parse(line).notes ?? []) {
      if (!['hook-removed', 'hook-missing', 'message'].includes(note.kind)) continue;
      const text = `${note.kind}: ${note.hook ?? ''} ${note.error ?? note.why ?? note.text ?? ''}`;
      notes.set(text, (notes.get(text) ?? 0) + 1);
    }
  }
  return [...notes].map(([text, count]) => ({ text, count }));
}

/** The test that ran when a finding was first seen; findings may come a tick (or a collection) after their test. */
function testAt(tests, ns) {
  let before;
  for (const test of tests) {
    if (test.t0 <= ns && ns <= test.t1) return test;
    if (test.t0 <= ns) before = test;
  }
  return before;
}

/** Does the finding name a place in the test's own function? Better than the clock. */
function testByPlace(tests, finding) {
  const places = [finding.location, ...finding.related].filter(Boolean);
  for (const place of places) {
    const name = place.function
      .replace(/\.<locals>.*$/, '')
      .split('.')
      .at(-1);
    const owner = place.function
      .replace(/\.<locals>.*$/, '')
      .split('.')
      .at(-2);
    const same = tests.filter(
      ({ test }) =>
        new RegExp(`[.:]${name}(\\[|$)`).test(test) &&
        test.includes(basename(place.file, '.py')) &&
        (owner === undefined || test.includes(owner)),
    );
    if (same.length > 0) return same[0];
  }
  return undefined;
}

/**
 * Replays a recording through the model.
 * @param {Map<string, {test: string, t0: number, t1: number}>} testMap
 */
export async function readReport(recording, testMap, suite) {
  if (!existsSync(recording)) throw new Error('The probe wrote no recording.');
  const json = recording.replace(/\.jsonl$/, '.report.json');
  await must(process.execPath, ['dist/cli.js', 'replay', recording, '--format', 'json', '--output', json], {
    cwd: root,
    quiet: true,
    timeoutMs: 600_000,
  });
  const report = JSON.parse(readFileSync(json, 'utf8'));
  const tests = [...testMap.values()];
  const known = expected();
  const findings = report.findings
    .filter((finding) => finding.severity !== 'info')
    .map((finding) => {
      const test = testByPlace(tests, finding) ?? testAt(tests, finding.first_seen_ms * 1e6);
      const reason = known.find(
        (one) =>
          one.suite === suite &&
          one.code === finding.code &&
          // The collector finds what a test left behind while a later one runs: there the message says whose it was.
          (one.message ? new RegExp(one.message).test(finding.message) : new RegExp(one.test).test(test?.test ?? '')),
      );
      return { ...finding, test: test?.test ?? '(outside of any test)', expected: reason?.why };
    });
  return { findings, dropped: report.dropped, notes: await notesOf(recording) };
}

function tally(tests) {
  const counts = { passed: 0, failed: 0, error: 0, skipped: 0 };
  for (const { outcome } of tests.values()) counts[outcome]++;
  return counts;
}

const place = (at) => (at ? `${basename(at.file)}:${at.line} ${at.function}` : '–');

/** Writes `<path>.md` and `<path>.json`; `ok` is false when a test was changed or an unexpected finding is there. */
export function writeResult(path, { suite, detail, date, without, probed, verdicts, findings, dropped, notes }) {
  const changed = verdicts.filter((one) => one.verdict !== 'flickers');
  const surprising = findings.filter((one) => !one.expected);
  const data = {
    suite,
    detail,
    date,
    without: { ...tally(without.tests), seconds: without.ms / 1000, timedOut: without.timedOut },
    with: { ...tally(probed.tests), seconds: probed.ms / 1000, timedOut: probed.timedOut },
    different: verdicts,
    dropped,
    notes,
    findings,
  };
  const row = (name, counts) =>
    `| ${name} | ${counts.passed} | ${counts.failed} | ${counts.error} | ${counts.skipped} | ${counts.seconds.toFixed(0)} |`;
  const lines = [
    `# ${suite}`,
    '',
    `${date}, detail \`${detail}\`.`,
    '',
    '| | passed | failed | errors | skipped | seconds |',
    '| --- | --- | --- | --- | --- | --- |',
    row('without the probe', data.without),
    row('with the probe', data.with),
    '',
    `Tests whose outcome differs: ${verdicts.length}, of them changed by the probe: ${changed.length}. Rows dropped: ${dropped}.`,
    ...verdicts.map((one) => `- ${one.test}: ${one.without} → ${one.with}; ${one.verdict}`),
    '',
    `Findings at warning or above: ${findings.length}, of them in tests that misuse on purpose: ${findings.length - surprising.length}.`,
    '',
    '## Findings not expected',
    '',
    ...(surprising.length === 0
      ? ['None.']
      : surprising.map((one) => `- \`${one.code}\` in ${one.test}: ${one.message} (${place(one.location)})`)),
    '',
    '## Findings in tests that misuse on purpose',
    '',
    ...findings.filter((one) => one.expected).map((one) => `- \`${one.code}\` in ${one.test}: ${one.expected}`),
    '',
    '## What the probe said about itself',
    '',
    ...(notes.length === 0 ? ['Nothing.'] : notes.map((note) => `- ${note.text} (${note.count})`)),
    '',
  ];
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.json`, `${JSON.stringify(data, null, 1)}\n`);
  writeFileSync(`${path}.md`, lines.join('\n'));
  return { summary: `${lines.slice(0, 30).join('\n')}\n\n→ ${path}.md`, ok: changed.length === 0 && surprising.length === 0 };
}
