/** One report of a program that has several processes: the root's, with the children's findings added and each child told in the statistics. */
import type { HealthReport } from '../shared/report';

export interface ProcessReport {
  pid: number | undefined;
  probe: string;
  report: HealthReport;
}

export function mergeReports(root: ProcessReport, children: ProcessReport[]): HealthReport {
  const report = { ...root.report, findings: [...root.report.findings], statistics: { ...root.report.statistics } };
  let offset = highestIncident(report);
  for (const child of children) {
    for (const finding of child.report.findings) {
      const message = `[process ${child.pid ?? '?'}] ${finding.message}`;
      report.findings.push({ ...finding, message, incident: finding.incident + offset });
    }
    offset += highestIncident(child.report);
    report.dropped += child.report.dropped;
  }
  report.statistics.processes = [root, ...children].map(({ pid, probe, report: own }) => ({
    pid: pid ?? null,
    program: own.program,
    probe,
    findings: own.findings.length,
    duration_ms: own.duration_ms,
    tasks: own.tasks,
  }));
  return report;
}

function highestIncident(report: HealthReport): number {
  return report.findings.reduce((highest, finding) => Math.max(highest, finding.incident), 0);
}
