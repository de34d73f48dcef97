/** A report as text for a terminal. */
import { relative } from 'node:path';
import type { HealthReport, ReportFinding, ReportLocation } from '../shared/report';

const SEVERITIES = ['error', 'warning', 'info'] as const;
/** Findings shown in full; more are counted. */
const MAX_FINDINGS = 30;

export interface SummaryOptions {
  color: boolean;
  /** Paths below it are shown relative to it. */
  cwd: string;
}

export function summary(report: HealthReport, options: SummaryOptions): string {
  const paint = painter(options.color);
  const counts = SEVERITIES.map((severity) => report.findings.filter((finding) => finding.severity === severity).length);
  const lines = [
    paint.bold(
      `── Async Health: ${report.program || 'program'}, ${(report.duration_ms / 1000).toFixed(1)} s, Python ${report.python || '?'} ──`,
    ),
  ];
  if (report.findings.length === 0) lines.push(paint.green('No findings.'));
  else lines.push(`${counted(counts[0]!, 'error')}, ${counted(counts[1]!, 'warning')}, ${counts[2]} info`);
  const sorted = [...report.findings].sort((a, b) => rank(a) - rank(b) || a.first_seen_ms - b.first_seen_ms);
  for (const finding of sorted.slice(0, MAX_FINDINGS)) lines.push('', ...describe(finding, options, paint));
  if (sorted.length > MAX_FINDINGS) lines.push('', `… and ${sorted.length - MAX_FINDINGS} more; --json FILE has them all.`);
  if (report.dropped > 0) lines.push('', paint.yellow(`${report.dropped} events were lost to full buffers; figures may be too low.`));
  return `${lines.join('\n')}\n`;
}

function describe(finding: ReportFinding, options: SummaryOptions, paint: Painter): string[] {
  const color = finding.severity === 'error' ? paint.red : finding.severity === 'warning' ? paint.yellow : paint.blue;
  const times = finding.count > 1 ? ` (${finding.count} times)` : '';
  const lines = [`${color(`${finding.severity} ${finding.code}`)}: ${finding.message}${times}`];
  if (finding.location) lines.push(`  at ${place(finding.location, options)}`);
  for (const related of finding.related) lines.push(`  ${related.label}: ${place(related, options)}`);
  if (finding.advice) lines.push(`  → ${finding.advice.replaceAll('\n', '\n    ')}`);
  return lines;
}

function place(location: ReportLocation, { cwd }: SummaryOptions): string {
  const near = relative(cwd, location.file);
  const file = near.startsWith('..') || near === '' ? location.file : near;
  return `${file}:${location.line} in ${location.function}`;
}

function rank(finding: ReportFinding): number {
  return SEVERITIES.indexOf(finding.severity);
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

type Painter = ReturnType<typeof painter>;

function painter(color: boolean) {
  const code = (number: number) => (text: string) => (color ? `\u001b[${number}m${text}\u001b[0m` : text);
  return { bold: code(1), red: code(31), green: code(32), yellow: code(33), blue: code(34) };
}
