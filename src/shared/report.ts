/** The report of one run: what `run --json`, `report`, the panel's "Save report" and `async_health.generate_report()` give. Keys are snake_case: it is a public file format. */
import type { FindingCode, Severity } from './findings';

export const REPORT_VERSION = 1;

export interface ReportLocation {
  file: string;
  line: number;
  function: string;
}

export interface ReportFinding {
  code: FindingCode;
  severity: Severity;
  message: string;
  advice: string;
  task: { id: number; name: string } | null;
  location: ReportLocation | null;
  related: ({ label: string } & ReportLocation)[];
  incident: number;
  count: number;
  first_seen_ms: number;
}

export interface HealthReport {
  version: number;
  program: string;
  python: string;
  duration_ms: number;
  dropped: number;
  findings: ReportFinding[];
  tasks: Record<string, unknown>;
  scopes: Record<string, unknown>;
  locks: Record<string, unknown>;
  sessions: Record<string, unknown>;
  loop: Record<string, unknown>;
  system: Record<string, unknown>;
  statistics: Record<string, unknown>;
}
