/**
 * The adapter's end of the probe link: its state, requests to the probe, batches from it.
 *
 * In: bodies of the `asyncHealth` events (untrusted), outcomes of the injection. Out: decoded batches in order, replies, the
 * program's requests. Transport is DAP: `evaluate` down, events up (see DebugProtocol's evaluate without frameId).
 */
import { type DecodedBatch, decodeBatch } from '../shared/batch';
import type { ProbeStatus } from '../shared/panel';
import { type ProbeMessage, type ProbeReply, type ProbeRequest, type ProgramRequest, WIRE_VERSION } from '../shared/wire';

/** Evaluates an expression in the debuggee, without a frame. Rejects when that fails. */
export type Evaluate = (expression: string, timeoutMs: number) => Promise<string>;

export const DEFAULT_REQUEST_TIMEOUT_MS = 5_000;
/** A batch with more row characters than this is dropped whole: 20 times what the probe sends. (debugpy takes no message above 16 MB.) */
const MAX_ROWS_CHARS = 8 * 1024 * 1024;
/** Not more often than this, ms, is a restatement asked for: each costs the program a walk over its tasks. */
const RESYNC_PAUSE_MS = 1_000;

/** Handles a request of the program; returns nothing when it is not for it. A rejection is told to the program. */
export type ProgramRequestHandler = (method: string, params: Record<string, unknown>) => Promise<unknown> | undefined;

interface PendingReply {
  resolve(value: unknown): void;
  reject(error: Error): void;
  timer: NodeJS.Timeout;
}

/** What went wrong on the link so far; shown in the panel, never fatal. */
export interface LinkCounters {
  batches: number;
  /** Batches that never came. */
  gaps: number;
  /** Messages, rows and other parts that were dropped because they were malformed or too large. */
  malformed: number;
}

export class ProbeLink {
  private currentStatus: ProbeStatus = 'off';
  private currentMessage: string | undefined;
  private processId: number | undefined;
  private lastSeq = 0;
  private nextId = 1;
  private resyncAt = 0;
  private resyncTimer: NodeJS.Timeout | undefined;
  private evaluate: Evaluate | undefined;
  private readonly replies = new Map<number, PendingReply>();
  private readonly statusListeners = new Set<() => void>();
  private readonly batchListeners = new Set<(batch: DecodedBatch, raw: unknown) => void>();
  private readonly requestHandlers = new Set<ProgramRequestHandler>();
  readonly counters: LinkCounters = { batches: 0, gaps: 0, malformed: 0 };

  constructor(private readonly warn: (text: string) => void = () => {}) {}

  get status(): ProbeStatus {
    return this.currentStatus;
  }

  /** Why the probe is not live, with the next step. */
  get message(): string | undefined {
    return this.currentMessage;
  }

  /** The process that the probe runs in, once it said hello. */
  get pid(): number | undefined {
    return this.processId;
  }

  get isLive(): boolean {
    return this.currentStatus === 'live';
  }

  /** It was live, or was to be, and will not be again: the program or the connection has ended. */
  get isOver(): boolean {
    return this.currentStatus === 'ended' || this.currentStatus === 'lost';
  }

  onStatus(listener: () => void): () => void {
    this.statusListeners.add(listener);
    return () => this.statusListeners.delete(listener);
  }

  /** Batches in order of arrival, made safe; `raw` is what came (for recordings). */
  onBatch(listener: (batch: DecodedBatch, raw: unknown) => void): () => void {
    this.batchListeners.add(listener);
    return () => this.batchListeners.delete(listener);
  }

  /** Handlers are asked in order of registration until one takes the request. */
  onProgramRequest(handler: ProgramRequestHandler): () => void {
    this.requestHandlers.add(handler);
    return () => this.requestHandlers.delete(handler);
  }

  setStatus(status: ProbeStatus, message?: string): void {
    if (status === this.currentStatus && message === this.currentMessage) return;
    this.currentStatus = status;
    this.currentMessage = message;
    if (status === 'lost' || status === 'ended' || status === 'failed') this.rejectAll(message ?? `The probe is ${status}.`);
    for (const listener of this.statusListeners) this.guard('status', () => listener());
  }

  /** The program or the connection has ended. A probe that never worked keeps saying why. `lost`: nobody expected it. */
  end(lost?: string): void {
    if (this.currentStatus === 'failed' || this.currentStatus === 'off' || this.currentStatus === 'ended') {
      this.rejectAll(this.currentMessage ?? 'The session has ended.');
    } else this.setStatus(lost === undefined ? 'ended' : 'lost', lost);
  }

  /** Gives the link its way to the program. Before, requests fail. */
  connect(evaluate: Evaluate): void {
    this.evaluate = evaluate;
  }

  /**
   * Asks the probe. Works while the program runs, stands at a breakpoint, or blocks its loop: the probe's own thread answers.
   * @throws Error when the probe is not there, refuses, or is silent for `timeoutMs`.
   */
  request<T = unknown>(method: string, params: Record<string, unknown> = {}, timeoutMs = DEFAULT_REQUEST_TIMEOUT_MS): Promise<T> {
    const evaluate = this.evaluate;
    if (!evaluate || (this.currentStatus !== 'live' && this.currentStatus !== 'starting')) {
      return Promise.reject(new Error(this.currentMessage ?? `The probe is ${this.currentStatus}; "${method}" needs it.`));
    }
    const id = this.nextId++;
    return new Promise<T>((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(entry.timer);
        this.replies.delete(id);
      };
      const entry: PendingReply = {
        resolve: (value) => {
          settle();
          resolve(value as T);
        },
        reject: (error) => {
          settle();
          reject(error);
        },
        timer: setTimeout(() => entry.reject(new Error(`The probe did not answer "${method}" within ${timeoutMs} ms.`)), timeoutMs),
      };
      this.replies.set(id, entry);
      const request: ProbeRequest = { id, method, params };
      evaluate(rpcExpression(request), timeoutMs).catch((error: Error) => entry.reject(error));
    });
  }

  /** One event body from the debuggee. Never throws. */
  receive(body: unknown): void {
    const message: Partial<ProbeMessage> = typeof body === 'object' && body !== null ? body : {};
    if (message.type === 'batch') this.receiveBatch(message);
    else if (message.type === 'reply') this.receiveReply(message);
    else if (message.type === 'request') this.receiveRequest(message);
    else this.malformed(`a message of type ${JSON.stringify(message.type)?.slice(0, 80)}`);
  }

  dispose(): void {
    clearTimeout(this.resyncTimer);
    this.rejectAll('The session has ended.');
    this.evaluate = undefined;
  }

  private receiveBatch(raw: Partial<ProbeMessage> & { rows?: unknown }): void {
    if (typeof raw.rows === 'string' && raw.rows.length > MAX_ROWS_CHARS) {
      this.malformed(`a batch with ${raw.rows.length} characters of rows`);
      return;
    }
    const batch = decodeBatch(raw);
    this.counters.malformed += batch.malformed;
    if (batch.malformed > 0) this.warn(`${batch.malformed} malformed parts of a batch were dropped`);
    const wrong = this.refusal(batch);
    if (wrong) {
      this.malformed(wrong);
      return;
    }
    const missing = batch.seq - this.lastSeq - 1;
    this.lastSeq = batch.seq;
    this.counters.batches += 1;
    if (this.currentStatus !== 'ended' && this.currentStatus !== 'failed') this.setStatus('live');
    else if (batch.hello) this.setStatus('live'); // it got in after all, later than we were willing to wait
    for (const listener of this.batchListeners) this.guard('batch', () => listener(batch, raw));
    if (missing > 0 && this.counters.batches > 1) {
      this.counters.gaps += missing;
      this.warn(`${missing} batches were lost before number ${batch.seq}; asking for a restatement`);
      this.resync();
    }
    if (batch.bye) this.setStatus('ended');
  }

  /** Why the batch can't be taken; nothing when it can. A hello starts a process's life: after a fork with a new pid, after a re-attach with the old. */
  private refusal(batch: DecodedBatch): string | undefined {
    if (batch.seq === 0) return 'a batch without a number';
    if (batch.hello) {
      if (batch.hello.wire !== WIRE_VERSION) {
        const what = `The probe speaks wire version ${batch.hello.wire}, this adapter ${WIRE_VERSION}.`;
        this.setStatus('failed', `${what} Restart the program so that both come from the same extension.`);
        return 'a batch of another wire version';
      }
      this.processId = batch.pid;
      this.lastSeq = batch.seq - 1;
      return undefined;
    }
    if (this.processId !== undefined && batch.pid !== this.processId)
      return `a batch of another process (${batch.pid}, not ${this.processId})`;
    return batch.seq <= this.lastSeq ? `batch ${batch.seq} again or late` : undefined;
  }

  /** Asks the probe to restate all that exists. Requests in quick succession become one. */
  resync(): void {
    if (this.resyncTimer) return;
    const waitMs = Math.max(0, this.resyncAt + RESYNC_PAUSE_MS - Date.now());
    this.resyncTimer = setTimeout(() => {
      this.resyncTimer = undefined;
      this.resyncAt = Date.now();
      this.request('sync').catch((error: Error) => this.warn(`No restatement: ${error.message}`));
    }, waitMs);
  }

  private receiveReply(reply: Partial<ProbeReply>): void {
    const entry = typeof reply.id === 'number' ? this.replies.get(reply.id) : undefined;
    if (!entry) return; // late: the asker has given up
    if (reply.error !== undefined) entry.reject(new Error(String(reply.error)));
    else entry.resolve(reply.result);
  }

  private receiveRequest(request: Partial<ProgramRequest>): void {
    const { id, method, params } = request;
    if (typeof id !== 'number' || typeof method !== 'string') {
      this.malformed('a request without id or method');
      return;
    }
    const answer = (outcome: { result?: unknown; error?: string }) => {
      this.request('answer', { id, ...outcome }).catch((error: Error) => this.warn(`"${method}" could not be answered: ${error.message}`));
    };
    const checked = typeof params === 'object' && params !== null && !Array.isArray(params) ? params : {};
    for (const handler of this.requestHandlers) {
      let outcome: Promise<unknown> | undefined;
      try {
        outcome = handler(method, checked);
      } catch (error) {
        outcome = Promise.reject(error);
      }
      if (!outcome) continue;
      outcome.then(
        (result) => answer({ result: result ?? null }),
        (error: unknown) => answer({ error: error instanceof Error ? error.message : String(error) }),
      );
      return;
    }
    answer({ error: `The adapter does not know "${method}".` });
  }

  private malformed(what: string): void {
    this.counters.malformed += 1;
    this.warn(`dropped ${what}`);
  }

  private rejectAll(why: string): void {
    for (const entry of [...this.replies.values()]) entry.reject(new Error(why));
  }

  private guard(what: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.warn(`A ${what} listener failed: ${error instanceof Error ? error.stack : error}`);
    }
  }
}

/** The expression that hands a request to the probe: looks the module up, never imports (an import could block the evaluator for good). */
export function rpcExpression(request: ProbeRequest): string {
  return `__import__('sys').modules['async_health']._rpc(${pythonLiteral(JSON.stringify(request))})`;
}

/** A Python string literal. JSON's escapes are a subset of Python's; what JSON leaves raw (non-BMP, U+2028) Python takes raw too. */
export function pythonLiteral(text: string): string {
  return JSON.stringify(text);
}
