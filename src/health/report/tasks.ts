import type { SourceLocation } from '../../shared/findings';
import type { ReportCancel, ReportFinishedTask, ReportLivingTask, ReportLocation, ReportTaskFacts } from '../../shared/report';
import { Outcome } from '../../shared/wire';
import { cancelReasonName, outcomeName, type Task } from '../core/entities';
import type { HealthModel } from '../model';
import { round } from '../trackers/tasks';
import { awaiters, cancelStackOf, type RowContext, taskState } from '../views/rows';
import { waitName } from '../views/waits';

/** Frames of a stack that a report names. */
const MAX_FRAMES = 40;

/** The part "tasks" of a report: statistics, living tasks and the last finished ones, each with all that is known of it. */
export function reportTasks(model: HealthModel, maxLiving: number, maxFinished: number): Record<string, unknown> {
  const nowNs = model.nowMs * 1e6;
  const context: RowContext = { locks: model.resources.locks, scopes: model.scopes, nowNs, findings: (ids) => ids ?? [] };
  const living: ReportLivingTask[] = [];
  for (const task of model.tasks.living()) {
    if (living.length >= maxLiving) break;
    living.push(livingTask(task, context));
  }
  return {
    ...model.tasks.statistics(),
    living,
    recent: model.tasks.history(maxFinished).map(finishedTask),
    resources: model.resources.tasks.statistics(),
  };
}

function livingTask(task: Task, context: RowContext): ReportLivingTask {
  const state = taskState(task) as ReportLivingTask['state'];
  const waiting = state === 'waiting';
  const chain = task.waitStack;
  return {
    ...facts(task),
    state,
    waits_for: waiting ? waitName(task, context) : null,
    at: location((task.lockWait?.stack ?? chain)?.place),
    wait_ms: waiting ? round((context.nowNs - (task.lockWait?.sinceNs ?? task.waitSinceNs)) / 1e6) : null,
    await_depth: chain === undefined ? null : chain.frames.length,
    await_stack_cut: chain?.cut ?? false,
    await_stack: places(chain?.shown),
    awaited_by: awaiters(task).map((ref) => ref.name),
    age_ms: round((context.nowNs - task.createdNs) / 1e6),
  };
}

function finishedTask(task: Task): ReportFinishedTask {
  return {
    ...facts(task),
    outcome: outcomeName(task.outcome ?? Outcome.Ok),
    life_ms: round((task.endedNs - task.createdNs) / 1e6),
    ...(task.exception === '' ? {} : { exception: task.exception, failed_at: places(task.failure?.shown) }),
  };
}

function facts(task: Task): ReportTaskFacts {
  const timed = task.steps > 0;
  const parent = task.parent;
  return {
    id: task.id,
    name: task.label,
    coroutine: task.coroutine,
    parent: parent === undefined || parent.id === 0 ? null : parent.label,
    creator: task.creator?.name ?? null,
    created: location(task.creation?.place),
    creation_stack: places(task.creation?.shown),
    steps: timed ? task.steps : null,
    busy_ms: timed ? round(task.busyNs / 1e6) : null,
    longest_step_ms: timed ? round(task.longestStepNs / 1e6) : null,
    waits: timed ? task.waits : null,
    ready_to_running_ms: timed ? round(task.schedNs / 1e6) : null,
    longest_ready_to_running_ms: timed ? round(task.longestSchedNs / 1e6) : null,
    cancelled_by: cancelOf(task),
  };
}

function cancelOf(task: Task): ReportCancel | null {
  const record = task.cancel;
  if (record === undefined) return null;
  const { by, scope } = record;
  const stack = cancelStackOf(record);
  return {
    task: by?.name ?? scope?.cancelled?.by?.label ?? null,
    scope: scope === undefined ? null : scope.type,
    reason: scope === undefined ? null : cancelReasonName(scope.cancelled?.reason),
    message: record.message || scope?.cancelled?.message || null,
    at: location(stack?.place),
    stack: places(stack?.shown),
    requests: record.requests,
    answered: record.settled,
    after_ms: round((record.atNs - task.createdNs) / 1e6),
  };
}

export function location(place: SourceLocation | undefined): ReportLocation | null {
  return place === undefined ? null : { file: place.file, line: place.line, function: place.function };
}

function places(frames: readonly SourceLocation[] | undefined): ReportLocation[] {
  return (frames ?? []).slice(0, MAX_FRAMES).map((frame) => location(frame)!);
}
