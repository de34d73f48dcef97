import type { HealthReport, ReportFinding } from '../../shared/report';
import { markdown, markdownCode } from './escape';
import { tables } from './tables';
import { facts, incidentsOf, placeText, verdict } from './text';

/** The report for people, as GitHub-flavoured Markdown. */
export function renderMarkdown(report: HealthReport): string {
  const lines = [`# Async Health: ${markdown(report.program)}`, '', verdict(report), ''];
  const incidents = incidentsOf(report);
  if (incidents.length > 0) lines.push('## Findings', '');
  incidents.forEach(({ root, symptoms }, index) => {
    lines.push(`### ${index + 1}. ${markdownCode(root.code)} (${root.severity}${root.count > 1 ? `, ${root.count} times` : ''})`, '');
    lines.push(...findingLines(root));
    if (symptoms.length > 0) {
      lines.push('', 'What followed from it:', '');
      for (const symptom of symptoms) {
        const place = symptom.location === null ? '' : ` ${markdownCode(placeText(symptom.location))}`;
        lines.push(
          `- ${markdownCode(symptom.code)}${symptom.count > 1 ? ` (${symptom.count} times)` : ''}: ${markdown(symptom.message)}${place}`,
        );
      }
    }
    lines.push('');
  });
  lines.push('## Figures', '', '| | |', '| --- | --- |');
  for (const [label, text] of facts(report)) lines.push(`| ${markdown(label)} | ${markdown(text)} |`);
  const libraries = report.statistics.libraries as Record<string, string> | undefined;
  const versions = Object.entries(libraries ?? {}).map(([name, version]) => `${name} ${version}`);
  lines.push(`| Python | ${markdown([report.python, ...versions].filter((part) => part !== '').join(', '))} |`, '');
  for (const { title, columns, rows, more } of tables(report)) {
    lines.push(`## ${title}`, '', `| ${columns.join(' | ')} |`, `|${' --- |'.repeat(columns.length)}`);
    for (const row of rows) lines.push(`| ${row.map(markdown).join(' | ')} |`);
    if (more > 0) lines.push('', `and ${more} more.`);
    lines.push('');
  }
  return lines.join('\n');
}

function findingLines(finding: ReportFinding): string[] {
  const lines = [markdown(finding.message), ''];
  if (finding.location !== null) lines.push(`- at ${markdownCode(placeText(finding.location))}`);
  for (const related of finding.related) lines.push(`- ${markdown(related.label)}: ${markdownCode(placeText(related))}`);
  if (finding.advice !== '') lines.push('', `**Fix:** ${adviceMarkdown(finding.advice)}`);
  return lines;
}

/** Advice is our own text with code in backticks: those stay code, the rest is escaped. */
function adviceMarkdown(advice: string): string {
  return advice
    .split(/(`[^`]+`)/)
    .map((part) => (part.startsWith('`') && part.endsWith('`') && part.length > 2 ? markdownCode(part.slice(1, -1)) : markdown(part)))
    .join('');
}
