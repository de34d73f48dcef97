import type { Finding } from '../../shared/findings';
import { Outcome } from '../../shared/wire';
import { DelayQueue } from '../core/collections';
import type { Task } from '../core/entities';
import type { Environment } from '../core/environment';
import { waitName } from '../views/waits';
import { at, called, Detector, duration, type Evidence, type World } from './detector';

interface Orphan {
  task: Task;
  how: 'dropped' | 'creator-ended';
  creator: string | undefined;
}

/**
 * A pending task was garbage-collected: warning. Its creator is done and nobody awaits it: info, since background tasks kept
 * in a set look the same.
 */
export class OrphanedTask extends Detector<Orphan> {
  readonly code = 'orphaned-task';
  private readonly creators = new DelayQueue<Task>(() => 1e9, 5_000);

  constructor(world: World) {
    super(world);
    world.context.signals.taskEnd.on((task, outcome) => {
      if (outcome === Outcome.Dropped) this.raise(this.check(task, 'dropped'));
      else if (task.firstChild !== undefined && task.live > 0) this.creators.add(task, this.nowNs);
    });
  }

  override look(nowNs: number): void {
    this.creators.take(nowNs, (creator) => {
      let looked = 0;
      for (let child = creator.firstChild; child !== undefined && looked < 50; child = child.next, looked++) {
        if (!child.ended && this.isUnwatched(child)) this.raise(this.check(child, 'creator-ended'));
      }
    });
  }

  private isUnwatched(task: Task): boolean {
    if (task.awaitedBy !== undefined && !task.awaitedBy.ended) return false;
    if (task.awaiters?.some((awaiter) => !awaiter.ended)) return false;
    return task.group === undefined && task.findings === undefined && (task.creation?.hasUserCode ?? false);
  }

  check(task: Task, how: Orphan['how']): Evidence<Orphan> {
    return {
      severity: how === 'dropped' ? 'warning' : 'info',
      task,
      stack: task.creation ?? task.waitStack,
      here: task.creation === undefined ? 'it waited here' : 'task created here',
      related: [{ label: 'it waited here', stack: task.creation === undefined ? undefined : task.waitStack, task: task.ref }],
      about: [task],
      facts: { task, how, creator: task.creator?.name },
    };
  }

  message({ task, how, creator }: Orphan): string {
    if (how === 'dropped')
      return `Task ${called(task)}, created${at(task.creation)}, was garbage-collected while it was pending: its work was lost.`;
    return `Task ${called(task)}, created${at(task.creation)}, outlives its creator ${creator === undefined ? '' : `"${creator}" `}and nobody awaits it.`;
  }

  advice(_facts: Orphan, env: Environment): string {
    const group = env.pythonAtLeast(3, 11)
      ? 'asyncio.TaskGroup'
      : env.has('anyio')
        ? 'anyio.create_task_group()'
        : 'a set with `task.add_done_callback(tasks.discard)`';
    return `The loop keeps only a weak reference to a task: keep a strong one until it is done, or start it in ${group}.`;
  }
}

interface Stuck {
  task: Task;
  waitNs: number;
}

/** A task has waited at one place past the threshold and nothing that could wake it is alive. Warning; info for a main task. */
export class StuckTask extends Detector<Stuck> {
  readonly code = 'stuck-task';
  /** Tasks of which the probe said so; few. */
  private readonly unreachable = new Map<Task, Finding | undefined>();

  constructor(world: World) {
    super(world);
    const { signals } = world.context;
    signals.taskUnreachable.on((task) => {
      if (task.unreachableSeq !== task.waitSeq) this.moved(task);
      else if (!this.unreachable.has(task) && this.unreachable.size < 10_000) this.unreachable.set(task, undefined);
    });
    signals.taskEnd.on((task) => this.moved(task));
  }

  private moved(task: Task): void {
    const finding = this.unreachable.get(task);
    this.unreachable.delete(task);
    // Cancelled from outside is no proof that it would ever have gone on.
    if (finding !== undefined && task.outcome !== Outcome.Cancelled) this.world.store.resolve(finding);
  }

  override look(nowNs: number): void {
    for (const [task, finding] of this.unreachable) {
      if (task.unreachableSeq !== task.waitSeq) this.moved(task);
      else if (finding === undefined) {
        const evidence = this.check(task, nowNs);
        if (evidence !== undefined) this.unreachable.set(task, this.raise(evidence));
      }
    }
  }

  /** The probe looks who refers to what a long waiter waits for; a wait alone, however long, is no mistake. */
  check(task: Task, nowNs: number): Evidence<Stuck> | undefined {
    // A deadline of its own will end the wait.
    if (task.scopes?.some((scope) => scope.deadlineNs > 0)) return undefined;
    if (task.unreachableSeq !== task.waitSeq || nowNs - waitSince(task) < this.world.context.thresholds.stuckTaskMs * 1e6) return undefined;
    // A program's main task that waits for ever may well mean to: its others work.
    const isMain = task.parent === undefined || task.parent.id === 0 || /(?:^|\.)init$/.test(task.parent.coroutine);
    return {
      severity: isMain ? 'info' : 'warning',
      task,
      stack: task.lockWait?.stack ?? task.waitStack ?? task.creation,
      here: (task.lockWait?.stack ?? task.waitStack) === undefined ? 'task created here' : 'it waits here',
      related: [{ label: `task ${called(task)} was created here`, stack: task.creation, task: task.ref }],
      about: [task, task.lockWait?.lock],
      facts: { task, waitNs: nowNs - waitSince(task) },
    };
  }

  message({ task, waitNs }: Stuck): string {
    return `Task ${called(task)} has waited ${duration(waitNs)} for ${waitName(task, this.world)}${at(task.lockWait?.stack ?? task.waitStack)}, and nothing that is alive could wake it.`;
  }

  advice(): string {
    return 'Whoever was to set, release or send has ended or let go of it. Keep that side alive, close the channel when it ends, or bound the wait with a timeout.';
  }
}

function waitSince(task: Task): number {
  return task.lockWait?.sinceNs ?? task.waitSinceNs;
}
