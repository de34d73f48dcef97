/** Whether the program stands, and since which stop: what belongs to one stop is dropped with it. */
import type { DebugProtocol } from '@vscode/debugprotocol';

type StopListener = () => void;

export class StopState {
  /** Counts stops; registrations with debugpy, stacks and frame ids are valid within one. */
  generation = 0;
  /** The real thread of the newest stop, and why it stopped; absent while running. */
  threadId: number | undefined;
  reason: string | undefined;
  private isStopped = false;
  private readonly resumeListeners = new Set<StopListener>();
  private readonly stopListeners = new Set<StopListener>();

  get stopped(): boolean {
    return this.isStopped;
  }

  observe(event: DebugProtocol.Event): void {
    if (event.event === 'stopped') {
      const body = event.body as DebugProtocol.StoppedEvent['body'];
      this.generation += 1;
      this.isStopped = true;
      this.threadId = body?.threadId;
      this.reason = body?.reason;
      for (const listener of this.stopListeners) listener();
    } else if (event.event === 'continued' || event.event === 'terminated') this.resumed();
  }

  /** The program runs again, or was just told to. */
  resumed(): void {
    if (!this.isStopped) return;
    this.isStopped = false;
    this.threadId = undefined;
    this.reason = undefined;
    this.generation += 1;
    for (const listener of this.resumeListeners) listener();
  }

  onResume(listener: StopListener): void {
    this.resumeListeners.add(listener);
  }

  onStop(listener: StopListener): void {
    this.stopListeners.add(listener);
  }
}
