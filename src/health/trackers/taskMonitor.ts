import type { Task } from '../core/entities';
import type { Context } from '../core/world';
import type { AsyncTaskTracker } from './tasks';
import { round } from './tasks';

/** Tasks as a resource: the longest waits, the busiest, the slowest steps. */
export class TaskMonitor {
  constructor(
    private readonly context: Context,
    private readonly tracker: AsyncTaskTracker,
  ) {}

  /** Tasks that have waited at one place for at least `ms`, longest first. Cost: the number given back. */
  waitingLongerThan(ms: number, limit = 100): Task[] {
    const out: Task[] = [];
    for (let task = this.tracker.waiting.head; task !== undefined && out.length < limit; task = task.ageNext) {
      if ((this.context.nowNs - task.waitSinceNs) / 1e6 < ms) break;
      out.push(task);
    }
    return out;
  }

  /** Living tasks with the most time on the loop. Linear in the number of tasks: for reports. */
  busiest(limit = 10): Task[] {
    return [...this.tracker.living()]
      .filter((task) => task.busyNs > 0)
      .sort((a, b) => b.busyNs - a.busyNs)
      .slice(0, limit);
  }

  /** Living tasks, longest life first. Linear in the number of tasks: for reports. */
  oldest(limit = 10): Task[] {
    return [...this.tracker.living()].sort((a, b) => a.createdNs - b.createdNs).slice(0, limit);
  }

  statistics(): Record<string, unknown> {
    const describe = (task: Task) => ({ id: task.id, name: task.label, coroutine: task.coroutine });
    return {
      longest_waits: this.waitingLongerThan(1_000, 10).map((task) => ({
        ...describe(task),
        wait_ms: round((this.context.nowNs - task.waitSinceNs) / 1e6),
      })),
      oldest: this.oldest().map((task) => ({ ...describe(task), age_ms: round((this.context.nowNs - task.createdNs) / 1e6) })),
      busiest: this.busiest().map((task) => ({ ...describe(task), busy_ms: round(task.busyNs / 1e6), steps: task.steps })),
    };
  }
}
