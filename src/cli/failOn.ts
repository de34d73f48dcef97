import type { HealthReport } from '../shared/report';
import type { FailOn } from './args';

export const EXIT_FINDINGS = 3;
export const EXIT_TIMEOUT = 124;
export const EXIT_USAGE = 2;

/** Whether the report has a finding at least as bad as `level`. */
export function isMet(level: FailOn, report: HealthReport): boolean {
  if (level === 'never') return false;
  return report.findings.some(({ severity }) => severity === 'error' || (level === 'warning' && severity === 'warning'));
}
