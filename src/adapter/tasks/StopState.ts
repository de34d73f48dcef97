/** Whether the program stands, and since which stop: what belongs to one stop is dropped with it. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type Inside, readInside } from './stitch';

type StopListener = () => void;

/** What the probe adds to the body of `stopped`; see STOP_KEY in _ah_pydevd_stops.py. */
const STOP_KEY = 'asyncHealth';

export class StopState {
  /** Counts stops; registrations with debugpy, stacks and frame ids are valid within one. */
  generation = 0;
  /** The real thread of the newest stop, and why it stopped; absent while running. */
  threadId: number | undefined;
  reason: string | undefined;
  /** What runs in that thread, when the probe could say so with the stop. */
  inside: Inside | undefined;
  private isStopped = false;
  private readonly resumeListeners = new Set<StopListener>();
  private readonly stopListeners = new Set<StopListener>();

  get stopped(): boolean {
    return this.isStopped;
  }

  /** Returns the event without what the probe added to it, if it did. */
  observe(event: DebugProtocol.Event): DebugProtocol.Event | undefined {
    if (event.event === 'stopped') {
      const { [STOP_KEY]: told, ...body } = event.body as DebugProtocol.StoppedEvent['body'] & { [STOP_KEY]?: unknown };
      this.generation += 1;
      this.isStopped = true;
      this.threadId = body.threadId;
      this.reason = body.reason;
      this.inside = readInside(told);
      for (const listener of this.stopListeners) listener();
      return told === undefined ? undefined : { ...event, body };
    }
    if (event.event === 'continued' || event.event === 'terminated') this.resumed();
    return undefined;
  }

  /** The program runs again, or was just told to. */
  resumed(): void {
    if (!this.isStopped) return;
    this.isStopped = false;
    this.threadId = undefined;
    this.reason = undefined;
    this.inside = undefined;
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
