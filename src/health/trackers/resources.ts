import type { Context } from '../core/world';
import { LockMonitor } from './locks';
import { SessionMonitor } from './sessions';
import { SystemMonitor } from './system';
import { TaskMonitor } from './taskMonitor';
import type { AsyncTaskTracker } from './tasks';

/** What a program holds and uses. */
export class ResourceMonitor {
  readonly locks: LockMonitor;
  readonly sessions: SessionMonitor;
  readonly tasks: TaskMonitor;
  readonly system = new SystemMonitor();

  constructor(context: Context, tasks: AsyncTaskTracker) {
    const at = (address: number) => tasks.at(address);
    this.locks = new LockMonitor(context, at);
    this.sessions = new SessionMonitor(context, at);
    this.tasks = new TaskMonitor(context, tasks);
  }

  statistics(): Record<string, unknown> {
    return {
      locks: this.locks.statistics(),
      sessions: this.sessions.statistics(),
      tasks: this.tasks.statistics(),
      system: this.system.statistics(),
    };
  }
}
