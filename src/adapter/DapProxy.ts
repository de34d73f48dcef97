/**
 * The transparent middle: client (editor) on one side, {@link DebugClient} on the other, {@link Interceptor}s between.
 *
 * Three numberings meet here: the client's requests, what the server sees (DebugClient's), and what the client sees of us.
 * Messages leave in the order in which they came, unless an interceptor takes its time over a response.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { DebugClient } from './DebugClient';
import { errorResponse, RequestFailed, successResponse } from './errors';
import { isPromise, runRequestHook, withTimeout } from './hooks';
import { DEFAULT_INTERCEPTOR_TIMEOUT_MS, type Interceptor, type Next } from './interceptors';
import type { Log } from './log';
import { OrderedOutput, type Place } from './output';

type Request = DebugProtocol.Request;
type Response = DebugProtocol.Response;

const ENDING = new Set(['disconnect', 'terminate']);

/** One request of the client on its way through the interceptors. */
interface Flight {
  /** Where its answer belongs in the order of what debugpy said. */
  place?: Place;
}

export class DapProxy {
  private readonly output: OrderedOutput;
  private clientSeq = 1;
  private ownSeq = -1;
  private server: DebugClient | undefined;
  /** Client's request seq → server's, while open: `cancel` names requests by number. */
  private readonly open = new Map<number, number>();
  /** Our seq of a reverse request as the client saw it → what to do with its answer. */
  private readonly reverse = new Map<number, (response: Response) => void>();
  /** Requests of the client that wait for `hold` to end, in order. */
  private held: DebugProtocol.ProtocolMessage[] = [];
  private holders = 0;
  private ended = false;

  constructor(
    private readonly sendToClient: (message: DebugProtocol.ProtocolMessage) => void,
    private readonly interceptors: readonly Interceptor[],
    private readonly log: Log,
    /** Why the connection to debugpy ended, once it has: the error of requests that were open. */
    private readonly whyClosed: () => Promise<Error> = async () => new Error('The connection to debugpy has ended.'),
  ) {
    this.output = new OrderedOutput((message) => {
      if (!this.ended) this.sendToClient({ ...message, seq: this.clientSeq++ } as DebugProtocol.ProtocolMessage);
    }, log);
  }

  /** Connects the far side (or takes it away: requests then fail with the reason). Events that the interceptors do not keep go to the client. */
  attach(server: DebugClient | undefined): void {
    this.server = server;
    if (!server) return;
    server.onEvent((event) => {
      if (this.server === server) this.fromServerEvent(event);
    });
    server.onReverseRequest = (request) => this.fromServerRequest(request, server);
  }

  /** Keeps the client's messages back, in order, until the returned function is called; with several holders, until the last lets go. */
  hold(): () => void {
    this.holders += 1;
    let mine = true;
    return () => {
      if (!mine) return;
      mine = false;
      this.holders -= 1;
      // A message that is let through can make somebody hold again: the rest then keeps waiting, in order.
      while (this.holders === 0 && this.held.length > 0) this.pass(this.held.shift()!);
    };
  }

  /** An event of our own to the client, in order with debugpy's. */
  sendEvent(event: string, body?: unknown): void {
    this.output.push({ seq: 0, type: 'event', event, ...(body === undefined ? {} : { body }) } as DebugProtocol.Event);
  }

  /** A response of our own to a request of the client. */
  sendResponse(response: Response): void {
    this.output.push(response);
  }

  fromClient(message: DebugProtocol.ProtocolMessage): void {
    if (this.ended) return;
    if (message.type === 'response') this.fromClientResponse(message as Response);
    else if (this.holders > 0 || this.held.length > 0) this.held.push(message);
    else this.pass(message);
  }

  private pass(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === 'request') this.fromClientRequest(message as Request);
    else this.server?.sendOther(message);
  }

  /**
   * A request of our own that takes the client's way, through all interceptors (so that what they add to `pause`, `threads` or
   * `stackTrace` holds for it). Resolves with the body. @throws RequestFailed
   */
  async request<T = unknown>(command: string, args?: unknown): Promise<T> {
    // Below zero: never a number of the client's.
    const request: Request = { seq: this.ownSeq--, type: 'request', command, ...(args === undefined ? {} : { arguments: args }) };
    const response = await this.requestChain(request, 0, {}, true);
    if (!response.success) throw new RequestFailed(response);
    return response.body as T;
  }

  /** The session is over: what comes later is dropped. */
  end(): void {
    this.ended = true;
    this.held = [];
    this.open.clear();
    this.reverse.clear();
  }

  // --- client → server -------------------------------------------------------------------------------------------

  private fromClientRequest(request: Request): void {
    const flight: Flight = {};
    const chain = this.requestChain(request, 0, flight);
    chain?.catch((error) => errorResponse(request, error)).then((response) => this.output.push(answerTo(request, response), flight.place));
  }

  /**
   * Asks the interceptors from `index` on. Returns nothing when none wanted the request and nobody waits for the answer: it is
   * then forwarded on the fast path, synchronously, and its answer goes out by itself.
   */
  private requestChain(request: Request, index: number, flight: Flight, viaNext?: false): Promise<Response> | undefined;
  private requestChain(request: Request, index: number, flight: Flight, viaNext: true): Promise<Response>;
  private requestChain(request: Request, index: number, flight: Flight, viaNext = false): Promise<Response> | undefined {
    for (let i = index; i < this.interceptors.length; i++) {
      const interceptor = this.interceptors[i]!;
      if (!interceptor.onRequest) continue;
      const next: Next = (changed) => this.requestChain({ ...changed, seq: request.seq }, i + 1, flight, true);
      const outcome = runRequestHook(interceptor, request, next, (r, n) => interceptor.onRequest?.(r, n), this.log);
      if (outcome) return outcome;
    }
    if (!viaNext) {
      this.forward(request, (response) => this.output.push(this.fromServerResponse(response, request)));
      return undefined;
    }
    return new Promise((resolve) => {
      this.forward(request, (response) => {
        // An interceptor waits for this answer. What debugpy says next must not overtake what is made of it, as long as that
        // takes no more than this turn of the event loop; something slower loses its place rather than hold up the session.
        const place = this.output.reserve();
        flight.place = place;
        setImmediate(() => place.release());
        resolve(Promise.resolve(this.fromServerResponse(response, request)).then((changed) => changed ?? response));
      });
    });
  }

  private forward(request: Request, onResponse: (response: Response) => void): void {
    const server = this.server;
    if (!server) {
      if (ENDING.has(request.command)) onResponse(successResponse(request));
      else this.whyClosed().then((error) => onResponse(errorResponse(request, error)));
      return;
    }
    const outgoing = request.command === 'cancel' ? this.translateCancel(request) : request;
    const serverSeq = server.send(
      outgoing,
      (response) => {
        this.open.delete(request.seq);
        onResponse({ ...response, request_seq: request.seq });
      },
      () => {
        this.open.delete(request.seq);
        // A client that has asked for the end does not care who ended it.
        if (ENDING.has(request.command)) onResponse(successResponse(request));
        else this.whyClosed().then((error) => onResponse(errorResponse(request, error)));
      },
    );
    this.open.set(request.seq, serverSeq);
  }

  private translateCancel(request: Request): Request {
    const id = (request.arguments as DebugProtocol.CancelArguments | undefined)?.requestId;
    const translated = id === undefined ? undefined : this.open.get(id);
    return translated === undefined ? request : { ...request, arguments: { ...request.arguments, requestId: translated } };
  }

  // --- server → client -------------------------------------------------------------------------------------------

  private fromServerResponse(response: Response, request: Request): Response | null | Promise<Response | null> {
    return this.pipe(response, (interceptor, value) => interceptor.onResponse?.(value, request));
  }

  private fromServerEvent(event: DebugProtocol.Event): void {
    this.output.push(this.pipe(event, (interceptor, value) => interceptor.onEvent?.(value)));
  }

  /**
   * Runs a value through one kind of hook of all interceptors, synchronously as long as they are.
   * `null` from a hook ends it: the message is kept from the client.
   */
  private pipe<T extends object>(value: T, hook: (interceptor: Interceptor, value: T) => unknown, index = 0): T | null | Promise<T | null> {
    let current = value;
    for (let i = index; i < this.interceptors.length; i++) {
      const interceptor = this.interceptors[i]!;
      let outcome: unknown;
      try {
        outcome = hook(interceptor, current);
      } catch (error) {
        this.log.error(`${interceptor.name} failed; the message goes on without it`, error);
        continue;
      }
      if (outcome === undefined) continue;
      if (outcome === null) return null;
      if (isPromise<T | null | undefined>(outcome)) {
        const before = current;
        return withTimeout(outcome, interceptor.timeoutMs ?? DEFAULT_INTERCEPTOR_TIMEOUT_MS, interceptor.name)
          .catch((error) => {
            this.log.error(`${interceptor.name} failed; the message goes on without it`, error);
            return before;
          })
          .then((after) => (after === null ? null : this.pipe(after ?? before, hook, i + 1)));
      }
      current = outcome as T;
    }
    return current;
  }

  // --- reverse requests ------------------------------------------------------------------------------------------

  private fromServerRequest(request: Request, server: DebugClient): void {
    const answer = (response: Response) => server.respond({ ...response, request_seq: request.seq, command: request.command });
    const askClient = (outgoing: Request) =>
      new Promise<Response>((resolve) => {
        // The number is given when it leaves, in order with everything else.
        this.output.run(() => {
          const seq = this.clientSeq++;
          this.reverse.set(seq, resolve);
          if (!this.ended) this.sendToClient({ ...outgoing, seq } as Request);
        });
      });
    const chain = (outgoing: Request, index: number): Promise<Response> => {
      for (let i = index; i < this.interceptors.length; i++) {
        const interceptor = this.interceptors[i]!;
        if (!interceptor.onReverseRequest) continue;
        const outcome = runRequestHook(
          interceptor,
          outgoing,
          (changed) => chain(changed, i + 1),
          (r, n) => interceptor.onReverseRequest?.(r, n),
          this.log,
        );
        if (outcome) return outcome;
      }
      return askClient(outgoing);
    };
    chain(request, 0).then(answer, (error) => answer(errorResponse(request, error)));
  }

  private fromClientResponse(response: Response): void {
    const resolve = this.reverse.get(response.request_seq);
    if (!resolve) {
      this.log.warn(`The client answered an unknown request (#${response.request_seq})`);
      return;
    }
    this.reverse.delete(response.request_seq);
    resolve(response);
  }
}

/** An interceptor's response may have been made from another request's: number and name are the client's. */
function answerTo(request: Request, response: Response): Response {
  return { ...response, request_seq: request.seq, command: request.command };
}
