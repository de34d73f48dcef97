/** What the three written forms of a report share. */
import type { HealthReport, ReportFinding, ReportLocation } from '../../shared/report';

export interface Incident {
  root: ReportFinding;
  symptoms: ReportFinding[];
}

/** Findings by incident, in the order of the report (the root of each comes first there). */
export function incidentsOf(report: HealthReport): Incident[] {
  const byId = new Map<number, Incident>();
  for (const finding of report.findings) {
    const incident = byId.get(finding.incident);
    if (incident === undefined) byId.set(finding.incident, { root: finding, symptoms: [] });
    else incident.symptoms.push(finding);
  }
  return [...byId.values()];
}

export function placeText(place: ReportLocation | null): string {
  return place === null ? '' : `${place.file}:${place.line} in ${place.function}`;
}

export function verdict(report: HealthReport): string {
  const count = (severity: string) => report.findings.filter((finding) => finding.severity === severity).length;
  const plural = (number: number, word: string) => `${number} ${word}${number === 1 ? '' : 's'}`;
  const [errors, warnings, infos] = [count('error'), count('warning'), count('info')];
  if (errors + warnings + infos === 0) return 'No findings.';
  const parts = [
    errors > 0 ? plural(errors, 'error') : '',
    warnings > 0 ? plural(warnings, 'warning') : '',
    infos > 0 ? `${infos} info` : '',
  ];
  const incidents = incidentsOf(report).length;
  return `${parts.filter((part) => part !== '').join(', ')} in ${plural(incidents, 'incident')}.`;
}

/** The numbers worth a line each: label and text. */
export function facts(report: HealthReport): [label: string, text: string][] {
  const number = (section: Record<string, unknown>, key: string) => (typeof section[key] === 'number' ? (section[key] as number) : 0);
  const { tasks, scopes, locks, sessions, loop, system } = report;
  const megabytes = (bytes: number) => `${Math.round(bytes / 1_048_576)} MB`;
  return [
    ['Duration', durationText(report.duration_ms)],
    [
      'Tasks',
      `${number(tasks, 'created')} created, ${number(tasks, 'done')} done, ${number(tasks, 'failed')} failed, ${number(tasks, 'cancelled')} cancelled, ${number(tasks, 'dropped')} dropped, ${number(tasks, 'alive')} alive (most at once ${number(tasks, 'peak')})`,
    ],
    [
      'Scopes',
      `${number(scopes, 'entered')} entered, ${number(scopes, 'exited')} left, ${number(scopes, 'active')} open, ${number(scopes, 'cancelled')} cancelled (${number(scopes, 'timed_out')} by deadline)`,
    ],
    [
      'Locks',
      `${number(locks, 'acquisitions')} contended acquisitions, longest wait ${durationText(number(locks, 'longest_wait_ms'))}, longest hold ${durationText(number(locks, 'longest_hold_ms'))}`,
    ],
    [
      'Sessions',
      `${number(sessions, 'opened')} opened, ${number(sessions, 'closed')} closed, ${number(sessions, 'open')} open${typeof sessions.success_rate === 'number' ? `, ${Math.round(sessions.success_rate * 1000) / 10} % of ${number(sessions, 'operations')} operations succeeded` : ''}`,
    ],
    [
      'Loop',
      `worst lag ${durationText(number(loop, 'worst_lag_ms'))}, ${number(loop, 'slow_callbacks')} slow callbacks, blocked ${durationText(number(loop, 'blocked_ms'))} in all`,
    ],
    [
      'System',
      `CPU ${Math.round(number(system, 'mean_cpu') * 100)} % on average, peak memory ${megabytes(number(system, 'peak_rss_bytes'))}, ${number(system, 'peak_threads')} threads, GC pauses ${durationText(number(system, 'gc_pause_ms'))}`,
    ],
    ...(report.dropped > 0
      ? ([['Dropped', `${report.dropped} events were lost or malformed: counts may be too low`]] as [string, string][])
      : []),
  ];
}

export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms * 10) / 10} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`;
}
