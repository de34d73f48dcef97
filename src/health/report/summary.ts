import type { HealthReport, ReportFinding } from '../../shared/report';
import { terminal } from './escape';
import { facts, incidentsOf, placeText, verdict } from './text';

export interface SummaryOptions {
  /** ANSI colours; only for terminals. */
  color?: boolean;
  /** Columns; text is wrapped to it. */
  width?: number;
}

const COLORS = { error: '31', warning: '33', info: '36', dim: '2', bold: '1' } as const;

/** The report for a terminal: what was found, where, and what to do; then the figures. */
export function renderSummary(report: HealthReport, options: SummaryOptions = {}): string {
  const width = Math.max(40, Math.min(options.width ?? 100, 140));
  const paint = (style: keyof typeof COLORS, text: string) => (options.color ? `\u001b[${COLORS[style]}m${text}\u001b[0m` : text);
  const lines = [paint('bold', `Async Health: ${terminal(report.program)}`), terminal(verdict(report))];
  for (const { root, symptoms } of incidentsOf(report)) {
    lines.push('', `${paint(root.severity, `${root.severity} ${root.code}`)}${times(root)}`);
    lines.push(...wrap(root.message, width, '  '));
    if (root.location !== null) lines.push(`  ${paint('dim', `at ${terminal(placeText(root.location))}`)}`);
    for (const related of root.related) lines.push(`  ${paint('dim', `${terminal(related.label)}: ${terminal(placeText(related))}`)}`);
    for (const symptom of symptoms) {
      lines.push(...wrap(`→ ${symptom.code}${times(symptom)}: ${symptom.message}`, width, '    '));
    }
    if (root.advice !== '') lines.push(...wrap(`Fix: ${root.advice}`, width, '  '));
  }
  lines.push('');
  for (const [label, text] of facts(report)) lines.push(...wrap(`${`${label}:`.padEnd(10)}${text}`, width, '  ', 10));
  return `${lines.join('\n')}\n`;
}

function times(finding: ReportFinding): string {
  return finding.count > 1 ? ` (${finding.count} times)` : '';
}

/** Wrapped at spaces; `indent` before every line, `hang` more columns before the following ones. */
function wrap(text: string, width: number, indent: string, hang = 0): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of terminal(text).split(/(?<=\s)(?=\S)/)) {
    const room = width - indent.length - (lines.length > 0 ? hang : 0);
    if (line !== '' && line.length + word.trimEnd().length > room) {
      lines.push(line);
      line = '';
    }
    line += word;
  }
  if (line !== '') lines.push(line);
  return lines.map((content, index) => `${indent}${index > 0 ? ' '.repeat(hang) : ''}${content.trimEnd()}`);
}
