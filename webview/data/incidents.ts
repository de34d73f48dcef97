/** Findings as the incidents they belong to: root first, what it led to under it. Pure. */
import type { Finding, Severity } from '../../src/shared/findings';

export interface Incident {
  /** Id of the root finding, even when only symptoms are in view. */
  id: number;
  root: Finding;
  symptoms: Finding[];
  /** Worst of all members. */
  severity: Severity;
  /** Sum of the members' counts. */
  count: number;
  /** False when the true root is not among the given findings (filtered out or out of the window). */
  complete: boolean;
}

const RANK: Record<Severity, number> = { error: 2, warning: 1, info: 0 };

/** Groups in order of first appearance: the host's order (relevance, or what the user sorted by) is kept. */
export function groupIncidents(findings: readonly Finding[]): Incident[] {
  const groups = new Map<number, Finding[]>();
  for (const finding of findings) {
    const members = groups.get(finding.incident);
    if (members) members.push(finding);
    else groups.set(finding.incident, [finding]);
  }
  return [...groups].map(([id, members]) => {
    const root = members.find((finding) => finding.id === id);
    const head = root ?? members[0]!;
    const severity = members.reduce<Severity>((worst, f) => (RANK[f.severity] > RANK[worst] ? f.severity : worst), 'info');
    return {
      id,
      root: head,
      symptoms: members.filter((finding) => finding !== head).sort((a, b) => a.firstSeenMs - b.firstSeenMs),
      severity,
      count: members.reduce((sum, f) => sum + f.count, 0),
      complete: root !== undefined,
    };
  });
}

/** A finding as plain text, for the clipboard and for bug reports. */
export function findingText(finding: Finding): string {
  const place = (p: { file: string; line: number; function: string }) => `${p.file}:${p.line}${p.function ? ` in ${p.function}` : ''}`;
  const lines = [`${finding.severity}: ${finding.message} [${finding.code}]`];
  if (finding.location)
    lines.push(
      `  ${finding.here ? `${finding.here}:` : 'at'} ${place(finding.location)}${finding.task ? ` (task ${finding.task.name})` : ''}`,
    );
  for (const frame of finding.stack?.slice(1) ?? []) lines.push(`     ${place(frame)}`);
  for (const related of finding.related) {
    lines.push(`  ${related.label}: ${place(related)}${related.task ? ` (task ${related.task.name})` : ''}`);
    for (const frame of related.stack?.slice(1) ?? []) lines.push(`     ${place(frame)}`);
  }
  if (finding.advice) lines.push(`  fix: ${finding.advice}`);
  if (finding.count > 1) lines.push(`  seen ${finding.count} times`);
  return lines.join('\n');
}
