import type { Finding } from '../../shared/findings';
import { type HealthReport, REPORT_VERSION, type ReportFinding } from '../../shared/report';
import type { HealthModel, ReportMeta } from '../model';
import { round } from '../trackers/tasks';
import { loopRows } from '../views/loops';
import { reportLocks, reportSessions } from './resources';
import { location, reportTasks } from './tasks';

/** Living tasks, finished tasks, and scope events that a report names; their numbers are always complete. */
const MAX_TASKS = 200;
const MAX_RECENT = 50;

/** The report of one run, public format (see shared/report.ts). Findings of an incident stand together, the root first. */
export function buildReport(model: HealthModel, meta: ReportMeta): HealthReport {
  const findings = model.findings();
  const { resources } = model;
  const probe = resources.system.latest?.probeNs;
  return {
    version: REPORT_VERSION,
    program: meta.program,
    python: model.env.python,
    duration_ms: round(model.nowMs),
    dropped: model.dropped,
    findings: findings.map(reportFinding),
    tasks: reportTasks(model, MAX_TASKS, MAX_RECENT),
    scopes: {
      ...model.scopes.statistics(),
      open: [...model.scopes.open()].slice(0, MAX_TASKS).map((scope) => ({
        id: scope.id,
        type: scope.type,
        name: scope.name || null,
        host: scope.host?.label ?? null,
        entered: location(scope.entered?.place),
        age_ms: round((model.nowMs * 1e6 - scope.enteredNs) / 1e6),
        tasks: scope.members?.size ?? 0,
        cancelled: scope.cancelled !== undefined,
      })),
      violations: model.scopes.checkCrossTaskViolations().map((violation) => ({
        kind: violation.kind,
        scope: violation.scope.id,
        type: violation.scope.type,
        host: violation.scope.host?.label ?? null,
        task: violation.task?.label ?? null,
        entered: location(violation.scope.entered?.place),
        place: location(violation.stack?.place),
      })),
      recent_events: model.scopes.recentEvents(MAX_RECENT).map((event) => ({ ...event, at_ms: event.atMs, atMs: undefined })),
    },
    locks: reportLocks(model, MAX_TASKS),
    sessions: reportSessions(model, MAX_RECENT),
    loop: {
      ...model.loops.statistics(),
      list: loopRows(model.loops, model.nowMs * 1e6).map((loop) => ({
        id: loop.id,
        type: loop.type,
        thread: loop.threadId,
        thread_name: loop.threadName ?? null,
        running: loop.running,
        lag_ms: loop.lagMs,
        worst_lag_ms: loop.worstLagMs,
        ready: loop.readyLength ?? null,
        turns_per_second: loop.turnsPerSecond ?? null,
        slow_callbacks: loop.slowCallbacks,
      })),
    },
    system: { ...resources.system.statistics(), recent: resources.system.recentSamples() },
    statistics: {
      findings: countBy(findings, (finding) => finding.severity),
      incidents: model.store.incidents.count,
      sightings: { ...model.store.sightings },
      findings_forgotten: model.store.forgotten,
      batches: model.intake.batches,
      events: model.intake.rows,
      malformed: model.intake.malformed,
      gaps: model.intake.gaps,
      unknown_events: model.intake.unknownOps,
      dropped_by_probe: { ...model.intake.dropped },
      probe_messages: model.probeMessages.slice(),
      probe_cpu_ms: probe === undefined ? null : round(probe / 1e6),
      implementation: model.env.implementation,
      libraries: { ...model.env.libraries },
      detail: model.env.detail ?? null,
    },
  };
}

function reportFinding(finding: Finding): ReportFinding {
  return {
    code: finding.code,
    severity: finding.severity,
    message: finding.message,
    advice: finding.advice,
    task: finding.task === undefined ? null : { id: finding.task.id, name: finding.task.name },
    location: location(finding.location),
    related: finding.related.map((related) => ({
      label: related.label,
      file: related.file,
      line: related.line,
      function: related.function,
    })),
    incident: finding.incident,
    count: finding.count,
    first_seen_ms: round(finding.firstSeenMs),
  };
}

function countBy<T>(items: readonly T[], key: (item: T) => string): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const item of items) counts[key(item)] = (counts[key(item)] ?? 0) + 1;
  return counts;
}
