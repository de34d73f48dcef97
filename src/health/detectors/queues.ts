import type { Finding } from '../../shared/findings';
import { LockOp } from '../../shared/wire';
import type { Lock, LockWaiter, Task } from '../core/entities';
import { at, called, Detector, duration, type Evidence, type World } from './detector';
import { lockName } from './locks';

interface StuckQueue {
  queue: Lock;
  waiter: LockWaiter;
  /** Consumers that were seen and have ended; 0 = none was ever seen to wait for an item. */
  ended: number;
  quietNs: number;
}

/** No progress for this long with all consumers dead, ns. */
const DEAD_NS = 300e6;
/** No consumer was ever seen and nobody else lives that could be one. */
const ALONE_NS = 800e6;

/** `join()` waits, items are unfinished, and no consumer lives. Error. */
export class QueueStuck extends Detector<StuckQueue> {
  readonly code = 'queue-stuck';
  private readonly joins = new Map<LockWaiter, Finding | undefined>();

  constructor(world: World) {
    super(world);
    const { signals } = world.context;
    signals.lockWait.on((waiter) => {
      if (waiter.op === LockOp.Join && this.joins.size < 10_000) this.joins.set(waiter, undefined);
    });
    signals.lockWaitEnd.on((waiter, granted) => {
      if (waiter.op !== LockOp.Join) return;
      // A join that was made to give up has not come to its end.
      if (granted) this.world.store.resolve(this.joins.get(waiter));
      this.joins.delete(waiter);
    });
  }

  override look(nowNs: number): void {
    for (const [waiter, finding] of this.joins) {
      const evidence = this.check(waiter, nowNs);
      if (evidence === undefined) {
        if (finding !== undefined && !finding.resolved) this.world.store.resolve(finding);
      } else if (finding === undefined) this.joins.set(waiter, this.raise(evidence));
    }
  }

  check(waiter: LockWaiter, nowNs: number): Evidence<StuckQueue> | undefined {
    const queue = waiter.lock;
    if (queue.unfinished <= 0) return undefined;
    const quietNs = nowNs - Math.max(waiter.sinceNs, queue.unfinishedSinceNs);
    if (quietNs < DEAD_NS) return undefined;
    let ended = 0;
    for (const getter of queue.getters ?? []) {
      if (!getter.ended) return undefined;
      ended++;
    }
    // A consumer that never had to wait for an item was never seen at the queue: it may be any living task.
    if (ended === 0 && quietNs < this.world.context.thresholds.lockWaitMs * 1e6) {
      if (quietNs < ALONE_NS || this.someoneElseLives(waiter.task)) return undefined;
    }
    const last = [...(queue.getters ?? [])].at(-1);
    return {
      severity: 'error',
      task: waiter.task,
      stack: waiter.stack ?? waiter.task.waitStack,
      here: 'join() waits here',
      related: [
        { label: `the last consumer, ${called(last)}, failed here`, stack: last?.failure, task: last?.ref },
        { label: `the last consumer, ${called(last)}, was created here`, stack: last?.creation, task: last?.ref },
        { label: 'queue made here', stack: queue.creation },
      ],
      about: [queue, waiter.task, last],
      facts: { queue, waiter, ended, quietNs },
    };
  }

  /** Any living task besides the one that joins and those that wait for it. */
  private someoneElseLives(joiner: Task): boolean {
    const excused = new Set<Task>();
    const excuse = (task: Task | undefined, depth: number) => {
      if (task === undefined || depth > 20 || excused.has(task)) return;
      excused.add(task);
      excuse(task.awaitedBy, depth + 1);
      excuse(task.group?.host, depth + 1);
      for (const awaiter of task.awaiters ?? []) excuse(awaiter, depth + 1);
      // Before Python 3.12 `wait_for` runs its argument in a task that only its creator awaits.
      if (task.parent !== undefined && task.parent.id !== 0 && task.awaitedBy === undefined) excuse(task.parent, depth + 1);
    };
    excuse(joiner, 0);
    for (const task of this.world.tasks.living()) if (!excused.has(task)) return true;
    return false;
  }

  message({ queue, waiter, ended, quietNs }: StuckQueue): string {
    const who = ended === 0 ? 'no task takes from it' : ended === 1 ? 'its only consumer has ended' : `all ${ended} consumers have ended`;
    return `Task ${called(waiter.task)} waits in join() of ${lockName(queue)}${at(waiter.stack)} with ${queue.unfinished} unfinished items, but ${who}; nothing has moved for ${duration(quietNs)}.`;
  }

  advice(): string {
    return 'Await the consumers as well as `join()` (a task group does both), so that their failure is seen; and call `task_done()` in a `finally`.';
  }
}
