/** `report` and `replay`: from a recording or a JSON report to something readable. */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs';
import { renderReport, renderSummary } from '../health';
import type { HealthReport } from '../shared/report';
import { type ReadArguments, UsageError } from './args';
import { EXIT_FINDINGS, isMet } from './failOn';
import { mergeReports, type ProcessReport } from './merge';
import { write } from './output';
import { replayRecording } from './recording';

export async function read(args: ReadArguments): Promise<number> {
  const report = args.command === 'report' && isReport(args.file) ? readReport(args.file) : await fromRecording(args.file);
  await write(args.output, render(report, args));
  return isMet(args.failOn, report) ? EXIT_FINDINGS : 0;
}

function render(report: HealthReport, { format, output }: ReadArguments): string {
  if (format !== 'text') return renderReport(report, format);
  const color = output === undefined && process.stdout.isTTY === true && !process.env.NO_COLOR;
  return renderSummary(report, { color, width: process.stdout.columns });
}

async function fromRecording(file: string): Promise<HealthReport> {
  const { processes, badLines, truncated } = await replayRecording(file);
  if (truncated) process.stderr.write(`async-health: the last line of "${file}" is cut off and was left out\n`);
  if (badLines > 0) process.stderr.write(`async-health: ${badLines} lines of "${file}" are no probe batches and were left out\n`);
  const [root, ...children] = processes.map(
    ({ pid, program, model }): ProcessReport => ({ pid, probe: 'ended', report: model.report({ program }) }),
  );
  return mergeReports(root!, children);
}

/** A JSON report is one object over several lines, a recording one object per line: the first line tells. */
function isReport(file: string): boolean {
  const head = Buffer.alloc(4_096);
  let text: string;
  try {
    if (!statSync(file).isFile()) throw new Error('it is no file');
    const descriptor = openSync(file, 'r');
    try {
      text = head.toString('utf8', 0, readSync(descriptor, head));
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    throw new UsageError(`"${file}" can't be read: ${(error as Error).message}.`);
  }
  return !/^\s*\{[^\n]*"type"\s*:\s*"batch"/.test(text);
}

function readReport(file: string): HealthReport {
  let value: Partial<HealthReport> | undefined;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    value = undefined;
  }
  if (typeof value !== 'object' || value === null || !Array.isArray(value.findings) || typeof value.version !== 'number') {
    throw new UsageError(`"${file}" is neither a report ("run --json") nor a recording ("run --record").`);
  }
  return value as HealthReport;
}
