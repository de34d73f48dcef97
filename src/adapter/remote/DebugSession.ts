/**
 * A named, isolated stretch of debugging inside one debuggee: its own breakpoints, events and failures.
 *
 * debugpy takes one DAP client only, so it is virtual: the {@link RemoteDebugger} does the work and knows whose it is.
 * Use it as a scope, so that it is cleaned up whatever happens: `await using session = remote.debugSession('checkout')`
 * or `await remote.debugSession('checkout').run(async (session) => …)`.
 */
import type { BreakpointOptions, RemoteBreakpoint } from './breakpoints';
import type { RemoteDebugger } from './RemoteDebugger';

/** Newest events kept per session; older ones are counted only. */
const MAX_EVENTS = 1_000;

export interface SessionEvent {
  type: string;
  /** ms since 1970. */
  at: number;
  data?: unknown;
}

/** What {@link RemoteDebugger.getSessionInfo} gives: plain data. */
export interface SessionInfo {
  id: string;
  name: string;
  /** ms since 1970. */
  startedAt: number;
  endedAt?: number;
  active: boolean;
  breakpoints: RemoteBreakpoint[];
  /** Newest last, at most 1,000. */
  events: SessionEvent[];
  /** All events there were. */
  eventCount: number;
  /** Messages of failures inside the session, in order. */
  failures: string[];
  metadata: Record<string, unknown>;
}

export class DebugSession {
  readonly startedAt = Date.now();
  readonly events: SessionEvent[] = [];
  readonly failures: string[] = [];
  private readonly own = new Map<number, RemoteBreakpoint>();
  private readonly cleanUps: (() => unknown)[] = [];
  private count = 0;
  private endedAt: number | undefined;
  private closing: Promise<void> | undefined;

  /** Made by {@link RemoteDebugger.debugSession}. */
  constructor(
    private readonly remote: RemoteDebugger,
    readonly id: string,
    readonly name: string,
    readonly metadata: Record<string, unknown>,
    private readonly onClosed: () => void,
  ) {
    this.record('started');
  }

  get active(): boolean {
    return this.endedAt === undefined && this.closing === undefined;
  }

  get breakpoints(): RemoteBreakpoint[] {
    return [...this.own.values()];
  }

  /** Runs `work` in the session, closes the session afterwards, and returns or throws exactly what `work` did. A failure is recorded. */
  async run<T>(work: (session: DebugSession) => Promise<T> | T): Promise<T> {
    try {
      return await work(this);
    } catch (error) {
      this.fail(error);
      throw error;
    } finally {
      await this.close();
    }
  }

  /** A breakpoint that lives no longer than the session. `line` is 1-based. */
  async setBreakpoint(file: string, line: number, options: BreakpointOptions = {}): Promise<RemoteBreakpoint> {
    this.mustBeActive('set a breakpoint');
    const breakpoint = await this.remote.setBreakpoint(file, line, options, this.id);
    if (!this.active) {
      // Closed while debugpy was asked: nobody else will remove it.
      await this.remote.removeBreakpoint(breakpoint.id);
      this.mustBeActive('set a breakpoint');
    }
    this.own.set(breakpoint.id, breakpoint);
    this.record('breakpoint-set', { id: breakpoint.id, file, line });
    return breakpoint;
  }

  /** @throws Error when the breakpoint is not this session's. */
  async removeBreakpoint(id: number): Promise<void> {
    if (!this.own.has(id)) throw new Error(`Breakpoint ${id} does not belong to session "${this.name}".`);
    this.own.delete(id);
    await this.remote.removeBreakpoint(id);
    this.record('breakpoint-removed', { id });
  }

  /** Evaluates for this session: a failure is recorded here. */
  async evaluateExpression(expression: string, frameId?: number): Promise<string> {
    this.mustBeActive('evaluate');
    try {
      const result = await this.remote.evaluateExpression(expression, { frameId });
      this.record('evaluated', { expression });
      return result.result;
    } catch (error) {
      this.fail(error);
      throw error;
    }
  }

  record(type: string, data?: unknown): void {
    this.count += 1;
    this.events.push(data === undefined ? { type, at: Date.now() } : { type, at: Date.now(), data });
    if (this.events.length > MAX_EVENTS) this.events.shift();
  }

  fail(error: unknown): void {
    const text = error instanceof Error ? error.message : String(error);
    this.failures.push(text);
    this.record('failed', { error: text });
  }

  /** Runs when the session closes, last registered first; a failing one does not stop the others. */
  onClose(cleanUp: () => unknown): void {
    if (this.active) this.cleanUps.push(cleanUp);
    else cleanUp();
  }

  /** Removes what the session set. Never throws; what fails is recorded. */
  close(): Promise<void> {
    this.closing ??= this.cleanUp();
    return this.closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  info(): SessionInfo {
    return {
      id: this.id,
      name: this.name,
      startedAt: this.startedAt,
      ...(this.endedAt === undefined ? {} : { endedAt: this.endedAt }),
      active: this.active,
      breakpoints: this.breakpoints.map((breakpoint) => ({ ...breakpoint })),
      events: [...this.events],
      eventCount: this.count,
      failures: [...this.failures],
      metadata: { ...this.metadata },
    };
  }

  private async cleanUp(): Promise<void> {
    try {
      for (const cleanUp of this.cleanUps.splice(0).reverse()) {
        try {
          await cleanUp();
        } catch (error) {
          this.fail(error);
        }
      }
      for (const id of [...this.own.keys()]) {
        this.own.delete(id);
        try {
          await this.remote.removeBreakpoint(id);
        } catch (error) {
          // With the connection gone the breakpoints are too.
          if (this.remote.isConnected) this.fail(error);
        }
      }
    } finally {
      this.endedAt = Date.now();
      this.record('ended');
      this.onClosed();
    }
  }

  private mustBeActive(what: string): void {
    if (!this.active) throw new Error(`Session "${this.name}" has ended; it can't ${what}. Open a new one.`);
  }
}
