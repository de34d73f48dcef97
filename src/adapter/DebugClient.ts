/**
 * The client side of one connection to debugpy: numbers what goes out, matches answers, hands events on.
 *
 * Both the proxy (which forwards the editor's requests) and our own features (`request`) send through it, so all share one
 * sequence of numbers, as the server must see it.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { DapConnection } from './dap/connection';
import { ConnectionClosed, RequestFailed, RequestTimeout } from './errors';
import { type Log, NO_LOG } from './log';

export interface RequestOptions {
  /** ms until the request is given up (rejected with {@link RequestTimeout}); default none. */
  timeoutMs?: number;
  signal?: AbortSignal;
}

/** Counters for the panel's "debug stats". */
export interface ClientStatistics {
  requests: number;
  events: number;
  /** Failed responses, time-outs, framing faults. */
  errors: number;
  meanRoundTripMs: number;
}

interface Pending {
  command: string;
  sentAt: number;
  onResponse: (response: DebugProtocol.Response) => void;
  onClosed: () => void;
}

export class DebugClient {
  private seq = 1;
  private readonly pending = new Map<number, Pending>();
  private readonly eventListeners = new Set<(event: DebugProtocol.Event) => void>();
  private readonly closeListeners = new Set<(error?: Error) => void>();
  private requests = 0;
  private events = 0;
  private errors = 0;
  private answered = 0;
  private roundTripsMs = 0;
  private closeError: Error | undefined;

  /** Takes reverse requests; without one they are refused. Answer through {@link respond}. */
  onReverseRequest: ((request: DebugProtocol.Request) => void) | undefined;

  constructor(
    private readonly connection: DapConnection,
    private readonly log: Log = NO_LOG,
  ) {
    connection.onMessage = (message) => this.receive(message);
    connection.onFault = (fault) => {
      this.errors += 1;
      this.log.warn(`debugpy sent ${fault.bytes} bytes that were dropped (${fault.kind}): ${fault.sample}`);
    };
    connection.onClose = (error) => this.closed(error);
  }

  get isOpen(): boolean {
    return this.connection.isOpen;
  }

  get statistics(): ClientStatistics {
    return {
      requests: this.requests,
      events: this.events,
      errors: this.errors,
      meanRoundTripMs: this.answered === 0 ? 0 : this.roundTripsMs / this.answered,
    };
  }

  /**
   * Sends a request of our own. Resolves with the response's body.
   * @throws RequestFailed when debugpy refuses, RequestTimeout, ConnectionClosed; the signal's reason when aborted.
   */
  request<T = unknown>(command: string, args?: unknown, options: RequestOptions = {}): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const { timeoutMs, signal } = options;
      if (signal?.aborted) return reject(signal.reason);
      let timer: NodeJS.Timeout | undefined;
      const settle = () => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', aborted);
      };
      const seq = this.send(
        { seq: 0, type: 'request', command, ...(args === undefined ? {} : { arguments: args }) },
        (response) => {
          settle();
          if (response.success) resolve(response.body as T);
          else reject(new RequestFailed(response));
        },
        () => {
          settle();
          reject(new ConnectionClosed(command));
        },
      );
      // A late answer to a forgotten request finds no entry and is dropped in `receive`.
      const giveUp = (error: unknown) => {
        this.pending.delete(seq);
        this.errors += 1;
        settle();
        reject(error);
      };
      const aborted = () => giveUp(signal?.reason);
      if (timeoutMs) timer = setTimeout(() => giveUp(new RequestTimeout(command, timeoutMs)), timeoutMs);
      signal?.addEventListener('abort', aborted, { once: true });
    });
  }

  /** Sends a request as it is, with a new number, which is returned. Exactly one of the callbacks is called, later. */
  send(request: DebugProtocol.Request, onResponse: (response: DebugProtocol.Response) => void, onClosed: () => void): number {
    const seq = this.seq++;
    this.requests += 1;
    this.pending.set(seq, { command: request.command, sentAt: performance.now(), onResponse, onClosed });
    this.log.trace(`→ ${request.command} #${seq}`);
    if (!this.connection.send({ ...request, seq } as DebugProtocol.Request)) {
      setImmediate(() => {
        if (this.pending.delete(seq)) onClosed();
      });
    }
    return seq;
  }

  /** Answers a reverse request of the server: `request_seq` is the server's. */
  respond(response: DebugProtocol.Response): void {
    this.connection.send({ ...response, seq: this.seq++ } as DebugProtocol.Response);
  }

  /** Forwards a message that is neither request nor response (events of the client, should DAP ever get them). */
  sendOther(message: DebugProtocol.ProtocolMessage): void {
    this.connection.send({ ...message, seq: this.seq++ });
  }

  onEvent(listener: (event: DebugProtocol.Event) => void): () => void {
    this.eventListeners.add(listener);
    return () => this.eventListeners.delete(listener);
  }

  /** Resolves with the next event of that name (and filter). @throws RequestTimeout, ConnectionClosed */
  waitForEvent<E extends DebugProtocol.Event>(name: string, timeoutMs: number, filter: (event: E) => boolean = () => true): Promise<E> {
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        offEvent();
        offClose();
      };
      const timer = setTimeout(() => {
        done();
        reject(new RequestTimeout(`event ${name}`, timeoutMs));
      }, timeoutMs);
      const offEvent = this.onEvent((event) => {
        if (event.event !== name || !filter(event as E)) return;
        done();
        resolve(event as E);
      });
      const offClose = this.onClose(() => {
        done();
        reject(new ConnectionClosed(`event ${name}`));
      });
    });
  }

  /** Called once when the connection ends; at once when it has ended already. */
  onClose(listener: (error?: Error) => void): () => void {
    if (!this.connection.isOpen) {
      setImmediate(() => listener(this.closeError));
      return () => {};
    }
    this.closeListeners.add(listener);
    return () => this.closeListeners.delete(listener);
  }

  close(): void {
    this.connection.close();
  }

  private receive(message: DebugProtocol.ProtocolMessage): void {
    switch (message.type) {
      case 'response': {
        const response = message as DebugProtocol.Response;
        const entry = this.pending.get(response.request_seq);
        if (!entry) {
          this.log.trace(`← late or unknown response to #${response.request_seq} (${response.command})`);
          return;
        }
        this.pending.delete(response.request_seq);
        this.answered += 1;
        this.roundTripsMs += performance.now() - entry.sentAt;
        if (!response.success) this.errors += 1;
        this.guard(`response to ${entry.command}`, () => entry.onResponse(response));
        return;
      }
      case 'request': {
        const request = message as DebugProtocol.Request;
        if (this.onReverseRequest) this.guard(`reverse request ${request.command}`, () => this.onReverseRequest?.(request));
        else this.refuse(request);
        return;
      }
      case 'event': {
        this.events += 1;
        const event = message as DebugProtocol.Event;
        for (const listener of [...this.eventListeners]) this.guard(`event ${event.event}`, () => listener(event));
        return;
      }
      default:
        this.log.warn(`debugpy sent a message of unknown type ${JSON.stringify(message.type)}`);
    }
  }

  private refuse(request: DebugProtocol.Request): void {
    const message = `"${request.command}" is not supported here.`;
    this.respond({ seq: 0, type: 'response', request_seq: request.seq, success: false, command: request.command, message });
  }

  /** One listener's fault must not stop the stream. */
  private guard(what: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.errors += 1;
      this.log.error(`Handling ${what} failed`, error);
    }
  }

  private closed(error?: Error): void {
    this.closeError = error;
    const open = [...this.pending.values()];
    this.pending.clear();
    for (const entry of open) this.guard(`the end of ${entry.command}`, entry.onClosed);
    for (const listener of this.closeListeners) this.guard('the end of the connection', () => listener(error));
    this.closeListeners.clear();
    this.eventListeners.clear();
  }
}
