/** The page's line to its host: a typed `acquireVsCodeApi`. */
import type { FromPanel, PanelAction } from '../src/shared/panel';

interface VsCodeApi {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
}

declare function acquireVsCodeApi(): VsCodeApi;

/** How an action ended. */
export interface ActionResult {
  ok: boolean;
  message?: string;
}

/** An action whose host never answers is reported as failed after this many ms. Some ask the user something: no limit. */
const ACTION_TIMEOUT_MS = 20_000;
const ASKS_USER = new Set<PanelAction['do']>(['saveReport', 'saveRecording', 'startDebugging', 'cancelTask', 'open']);

/** The same error text is sent once per this many ms, so that a broken stream does not become a storm. */
const ERROR_PAUSE_MS = 5_000;

export class Host {
  private readonly api = acquireVsCodeApi();
  private nextRequest = 1;
  private readonly pending = new Map<number, { done: (result: ActionResult) => void; timer?: ReturnType<typeof setTimeout> }>();
  private readonly lastSent = new Map<string, number>();

  post(message: FromPanel): void {
    this.api.postMessage(message);
  }

  /** Asks the host to do something; never rejects. */
  act(action: PanelAction): Promise<ActionResult> {
    const request = this.nextRequest++;
    return new Promise((done) => {
      const timer = ASKS_USER.has(action.do)
        ? undefined
        : setTimeout(
            () => this.settle(request, { ok: false, message: 'The editor did not answer. Try again, or reload the panel.' }),
            ACTION_TIMEOUT_MS,
          );
      this.pending.set(request, { done, timer });
      this.post({ type: 'action', request, action });
    });
  }

  settle(request: number, result: ActionResult): void {
    const waiting = this.pending.get(request);
    if (!waiting) return;
    this.pending.delete(request);
    clearTimeout(waiting.timer);
    waiting.done(result);
  }

  /** Tells the host's log what went wrong here. */
  error(message: string, stack?: string): void {
    const now = performance.now();
    const last = this.lastSent.get(message);
    if (last !== undefined && now - last < ERROR_PAUSE_MS) return;
    if (this.lastSent.size > 100) this.lastSent.clear();
    this.lastSent.set(message, now);
    this.post({ type: 'error', message, stack });
  }

  get state(): unknown {
    return this.api.getState();
  }

  set state(state: unknown) {
    this.api.setState(state);
  }
}
