/**
 * The debugger as an API: what code (the adapter's features, the CLI, tests, programs through `async_health.AsyncDebugger`) can do
 * with a running debuggee. Bound to one {@link DebugClient}; needs no editor.
 */
import { randomUUID } from 'node:crypto';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { DebugStatistics } from '../../shared/panel';
import { PROBE_EVENT } from '../../shared/wire';
import type { DebugClient } from '../DebugClient';
import { type Log, NO_LOG } from '../log';
import { type BreakpointBackend, type BreakpointOptions, OwnBreakpoints, type RemoteBreakpoint } from './breakpoints';
import { DebugSession, type SessionInfo } from './DebugSession';

/** Ended sessions that are remembered for {@link RemoteDebugger.listSessions}. */
const MAX_ENDED = 100;

export type EventHandler = (event: DebugProtocol.Event) => void | Promise<void>;

export interface EvaluateOptions {
  frameId?: number;
  context?: string;
  timeoutMs?: number;
}

/** Sends a request and gives the response's body. */
export type Requester = <T>(command: string, args?: unknown) => Promise<T>;

export class RemoteDebugger {
  private client: DebugClient | undefined;
  private requester: Requester | undefined;
  private backend: BreakpointBackend = new OwnBreakpoints((command, args) => this.request(command, args));
  private readonly handlers = new Map<string, Set<EventHandler>>();
  private readonly sessions = new Map<string, DebugSession>();
  private readonly ended: DebugSession[] = [];
  private handlerErrors = 0;
  private offEvents: (() => void) | undefined;
  /** Thread of the newest stop, while it lasts. */
  private stoppedThread: number | undefined;

  constructor(private readonly log: Log = NO_LOG) {}

  /**
   * Connects to a debuggee (again, after a re-attach). `requester`: another way for requests than straight to debugpy; the adapter
   * passes them through its interceptors.
   */
  bind(client: DebugClient, requester?: Requester): void {
    this.offEvents?.();
    this.client = client;
    this.requester = requester ?? ((command, args) => client.request(command, args));
    this.offEvents = client.onEvent((event) => this.dispatch(event));
  }

  /** Replaces the way breakpoints are set (adapter: merged with the user's own). */
  useBreakpoints(backend: BreakpointBackend): void {
    this.backend = backend;
  }

  get isConnected(): boolean {
    return this.client?.isOpen ?? false;
  }

  /** Opens a named session. @throws Error when an active session has that id. */
  debugSession(name: string, id: string = randomUUID(), metadata: Record<string, unknown> = {}): DebugSession {
    if (this.sessions.has(id)) throw new Error(`There is an active session with id "${id}" already.`);
    const session = new DebugSession(this, id, name, { ...metadata }, () => {
      this.sessions.delete(id);
      this.ended.push(session);
      if (this.ended.length > MAX_ENDED) this.ended.shift();
    });
    this.sessions.set(id, session);
    return session;
  }

  /** `line` is 1-based; the result's line is where debugpy put it. @throws RequestFailed, ConnectionClosed */
  setBreakpoint(file: string, line: number, options: BreakpointOptions = {}, sessionId?: string): Promise<RemoteBreakpoint> {
    if (!Number.isInteger(line) || line < 1) return Promise.reject(new Error(`A breakpoint's line must be 1 or more, not ${line}.`));
    const { condition, hitCount, logMessage } = options;
    return this.backend.add({
      file,
      line,
      ...(condition === undefined ? {} : { condition }),
      ...(hitCount === undefined ? {} : { hitCondition: String(hitCount) }),
      ...(logMessage === undefined ? {} : { logMessage }),
      ...(sessionId === undefined ? {} : { sessionId }),
    });
  }

  /** False when there is no such breakpoint (any more). */
  removeBreakpoint(id: number): Promise<boolean> {
    return this.backend.remove(id);
  }

  /** With a frame: in it. Without: in the debuggee's `__main__`-like scope of debugpy. @throws RequestFailed with Python's error text */
  evaluateExpression(expression: string, options: EvaluateOptions = {}): Promise<DebugProtocol.EvaluateResponse['body']> {
    const { frameId, context = 'watch', timeoutMs } = options;
    const args = { expression, context, ...(frameId === undefined ? {} : { frameId }) };
    if (timeoutMs && this.client) return this.client.request('evaluate', args, { timeoutMs });
    return this.request('evaluate', args);
  }

  /** All frames of a thread (default: the first stopped or known one), leaf first. */
  async getStackTrace(threadId?: number): Promise<DebugProtocol.StackFrame[]> {
    const thread = threadId ?? (await this.firstThread());
    const body = await this.request<DebugProtocol.StackTraceResponse['body']>('stackTrace', { threadId: thread });
    return body.stackFrames;
  }

  async pause(threadId?: number): Promise<void> {
    await this.request('pause', { threadId: threadId ?? (await this.firstThread()) });
  }

  async continueExecution(threadId?: number): Promise<void> {
    await this.request('continue', { threadId: threadId ?? (await this.firstThread()) });
  }

  /**
   * Calls `handler` for DAP events of that type (`stopped`, `output`, …; `*` = all). A handler that throws is logged and counted,
   * others still run. Returns the unsubscriber.
   */
  registerEventHandler(type: string, handler: EventHandler): () => void {
    const set = this.handlers.get(type) ?? new Set();
    this.handlers.set(type, set);
    set.add(handler);
    return () => set.delete(handler);
  }

  /** @returns nothing when there never was such a session, or it ended long ago */
  getSession(id: string): DebugSession | undefined {
    return this.sessions.get(id) ?? this.ended.find((session) => session.id === id);
  }

  getSessionInfo(id: string): SessionInfo | undefined {
    return this.getSession(id)?.info();
  }

  /** Active ones, oldest first; with `includeEnded`, the last 100 ended ones before them. */
  listSessions(includeEnded = false): SessionInfo[] {
    return [...(includeEnded ? this.ended : []), ...this.sessions.values()].map((session) => session.info());
  }

  getStatistics(): DebugStatistics {
    const client = this.client?.statistics;
    const now = Date.now();
    return {
      sessions: this.listSessions(true).map((session) => ({
        id: session.id,
        name: session.name,
        active: session.active,
        breakpoints: session.breakpoints.length,
        events: session.eventCount,
        ageMs: (session.endedAt ?? now) - session.startedAt,
      })),
      requests: client?.requests ?? 0,
      events: client?.events ?? 0,
      errors: (client?.errors ?? 0) + this.handlerErrors,
      meanRoundTripMs: client?.meanRoundTripMs ?? 0,
    };
  }

  /** Never throws; each session records what its own clean-up met. */
  async closeAllSessions(): Promise<void> {
    await Promise.all([...this.sessions.values()].map((session) => session.close()));
  }

  /** Unbinds; sessions are closed, the connection is not (its owner does that). */
  async dispose(): Promise<void> {
    await this.closeAllSessions();
    this.offEvents?.();
    this.handlers.clear();
  }

  /** Any DAP request. @throws RequestFailed, ConnectionClosed */
  request<T = unknown>(command: string, args?: unknown): Promise<T> {
    if (!this.requester) return Promise.reject(new Error(`Not connected to a debuggee; "${command}" can't be sent.`));
    return this.requester<T>(command, args);
  }

  private async firstThread(): Promise<number> {
    if (this.stoppedThread !== undefined) return this.stoppedThread;
    const { threads } = await this.request<DebugProtocol.ThreadsResponse['body']>('threads');
    const first = threads[0];
    if (!first) throw new Error('The debuggee has no threads.');
    return first.id;
  }

  private dispatch(event: DebugProtocol.Event): void {
    if (event.event === PROBE_EVENT) return; // the probe's own traffic
    if (event.event === 'stopped') this.stoppedThread = (event as DebugProtocol.StoppedEvent).body.threadId;
    else if (event.event === 'continued') this.stoppedThread = undefined;
    for (const type of [event.event, '*']) {
      for (const handler of this.handlers.get(type) ?? []) {
        try {
          const outcome = handler(event);
          if (outcome) outcome.catch((error: unknown) => this.handlerFailed(type, error));
        } catch (error) {
          this.handlerFailed(type, error);
        }
      }
    }
  }

  private handlerFailed(type: string, error: unknown): void {
    this.handlerErrors += 1;
    this.log.error(`A handler of "${type}" failed`, error);
  }
}
