/**
 * Every finding of the catalogue, proved by programs: `bad_*.py` must give its finding with both places right, `ok_*.py` nothing above
 * `info`. Each program runs through the command line (`dist/cli.js run --json`), that is under the real debugpy with the real probe.
 *
 * Interpreters: the oldest, the newest and the default one in `.venvs`; `ASYNC_HEALTH_CATALOG_PYTHONS=3.9,3.12` or `=all` chooses others.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FINDING_CODES } from '../../../src/shared/findings';
import type { HealthReport, ReportFinding, ReportLocation } from '../../../src/shared/report';
import { CATALOG, catalogue, type Marker, type Program } from './program';

/** Longest time for one program, under the debugger, on a busy machine. */
const LIMIT_MS = 45_000;

interface Interpreter {
  version: string;
  minor: number;
  python: string;
}

interface Outcome {
  code: number | null;
  output: string;
  report: HealthReport | undefined;
}

function interpreters(): Interpreter[] {
  const folder = path.resolve('.venvs');
  const python = (venv: string) => path.join(venv, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const all = (existsSync(folder) ? readdirSync(folder) : [])
    .filter((name) => /^3\.\d+$/.test(name) && existsSync(python(path.join(folder, name))))
    .map((version) => ({ version, minor: Number(version.slice(2)), python: python(path.join(folder, version)) }))
    .sort((a, b) => a.minor - b.minor);
  const wanted = process.env.ASYNC_HEALTH_CATALOG_PYTHONS;
  if (wanted === 'all') return all;
  if (wanted) return all.filter((one) => wanted.split(',').includes(one.version));
  const middle = all.find((one) => one.version === '3.11');
  return [...new Set([all[0], middle, all.at(-1)])].filter((one) => one !== undefined);
}

const scratch = mkdtempSync(path.join(tmpdir(), 'async-health-catalog-'));

/** On a busy machine an import or `gc.collect()` does block a loop for 100 ms; that is true, but not what these programs are about. */
function optionsOf(program: Program): Record<string, unknown> {
  const patience = program.code === 'blocked-loop' ? {} : { blockedLoopMs: 5_000 };
  return { ...program.options, thresholds: { ...patience, ...(program.options?.thresholds as object | undefined) } };
}

function run(program: Program, interpreter: Interpreter): Promise<Outcome> {
  const json = path.join(scratch, `${interpreter.version}-${program.name.replace(/\W/g, '-')}.json`);
  const args = ['dist/cli.js', 'run', '--json', json, '--python', interpreter.python, '--timeout', '30'];
  args.push('--options', JSON.stringify(optionsOf(program)), program.file);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: process.platform !== 'win32' });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk));
    const timer = setTimeout(() => {
      output += `\n(ended after ${LIMIT_MS} ms)`;
      if (child.pid) process.kill(process.platform === 'win32' ? child.pid : -child.pid, 'SIGKILL');
    }, LIMIT_MS);
    child.on('close', (code) => {
      clearTimeout(timer);
      let report: HealthReport | undefined;
      try {
        report = JSON.parse(readFileSync(json, 'utf8')) as HealthReport;
      } catch {
        // The assertion on the report shows the output instead.
      }
      resolve({ code, output, report });
    });
  });
}

const show = (finding: ReportFinding) =>
  `${finding.severity} ${finding.code}: ${finding.message}\n    at ${place(finding.location)}${finding.related.map((one) => `\n    ${one.label}: ${place(one)}`).join('')}`;
const place = (at: ReportLocation | null) => (at ? `${path.basename(at.file)}:${at.line} in ${at.function}` : 'nowhere');
const alarms = (report: HealthReport) => report.findings.filter((finding) => finding.severity !== 'info');

function matches(at: ReportLocation | null, program: Program, marker: Marker): boolean {
  return (
    at !== null && path.resolve(at.file) === program.file && at.line === marker.line && at.function.split('.').at(-1) === marker.function
  );
}

function checkBad(program: Program, { report, output }: Outcome): void {
  assert.ok(report, `no report was written:\n${output}`);
  const found = report.findings.map(show).join('\n') || '(no findings)';
  const candidates = alarms(report).filter((finding) => finding.code === program.code);
  assert.ok(candidates.length > 0, `no ${program.code} at warning or above among:\n${found}\nOutput:\n${output}`);
  assert.ok(program.markers.length > 0, 'the program has no markers');
  for (const marker of program.markers) {
    const named = candidates.some((one) => [one.location, ...one.related].some((at) => matches(at, program, marker)));
    assert.ok(named, `no ${program.code} names ${marker.function}, line ${marker.line} (@${marker.name}):\n${found}`);
  }
  for (const finding of candidates) {
    assert.ok(
      program.markers.some((marker) => matches(finding.location, program, marker)),
      `the finding's own place is not one that is marked:\n${show(finding)}`,
    );
    assert.ok(finding.advice.length > 10 && finding.message.length > 10, `message and advice:\n${JSON.stringify(finding, null, 2)}`);
  }
  const foreign = alarms(report).filter((finding) => finding.code !== program.code && !program.also.includes(finding.code));
  assert.deepEqual(foreign.map(show), [], 'findings that do not belong to this mistake');
}

function checkOk({ report, output, code }: Outcome): void {
  assert.ok(report, `no report was written:\n${output}`);
  assert.deepEqual(alarms(report).map(show), [], 'a clean program gave findings');
  assert.equal(code, 0, output);
  assert.equal(report.dropped, 0);
}

describe('catalogue', () => {
  const programs = catalogue();

  it('has a bad and an ok program for every code', () => {
    assert.deepEqual([...new Set(programs.map((program) => program.code))].sort(), [...FINDING_CODES].sort());
    for (const bad of programs.filter((program) => program.bad)) {
      const twin = bad.name.replace('/bad_', '/ok_');
      assert.ok(
        programs.some((program) => program.name === twin),
        `${path.join(CATALOG, twin)} is missing`,
      );
    }
  });

  const chosen = interpreters();
  it('has interpreters to run on', () => assert.ok(chosen.length > 0, 'no .venvs: run `npm run setup`'));

  for (const interpreter of chosen) {
    describe(`on CPython ${interpreter.version}`, () => {
      const mine = programs.filter((program) => program.minimumMinor <= interpreter.minor);
      const started = new Map<Program, Promise<Outcome>>();
      /** The outcome of one program; the next two are started as well: they mostly sleep. */
      const outcome = (index: number) => {
        for (const program of mine.slice(index, index + 3)) if (!started.has(program)) started.set(program, run(program, interpreter));
        return started.get(mine[index]!)!;
      };
      for (const [index, program] of mine.entries()) {
        it(program.name, async function () {
          this.timeout(2 * LIMIT_MS);
          const result = await outcome(index);
          if (program.bad) checkBad(program, result);
          else checkOk(result);
        });
      }
      after(async () => {
        await Promise.all(started.values());
      });
    });
  }

  after(() => rmSync(scratch, { recursive: true, force: true }));
});
