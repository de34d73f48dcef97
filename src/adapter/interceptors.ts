/**
 * How features plug into the proxy without touching it.
 *
 * Interceptors are asked in order, first to last, for what comes from the client, and for what comes from debugpy as well.
 * A hook that returns nothing leaves the message alone, at no cost and without a turn of the event loop. A hook that throws,
 * or takes longer than {@link Interceptor.timeoutMs}, is skipped for that message, logged, and the message goes on as with
 * plain debugpy. To fail a request on purpose, return `errorResponse(request, …)` or throw {@link RequestFailed} or `UserError`.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';

/** Hands the request (or a changed copy; its `seq` does not matter) to the rest of the chain and to debugpy. At most once per request. */
export type Next = (request: DebugProtocol.Request) => Promise<DebugProtocol.Response>;

export type MaybePromise<T> = T | Promise<T>;

export interface Interceptor {
  /** For the log. */
  readonly name: string;
  /** Longest time, ms, that a hook may take by itself (waiting in `next` does not count). Default 10,000; 0 = no limit. */
  readonly timeoutMs?: number;

  /**
   * A request of the client. Return nothing to leave it alone; else the response: your own, or the (changed) one of `next(request)`.
   * `success: false` responses of debugpy come as values, not as exceptions.
   */
  onRequest?(request: DebugProtocol.Request, next: Next): MaybePromise<DebugProtocol.Response | undefined> | undefined;

  /** A response of debugpy to a request of the client, on its way out. Return a changed copy or nothing. */
  onResponse?(
    response: DebugProtocol.Response,
    request: DebugProtocol.Request,
  ): MaybePromise<DebugProtocol.Response | undefined> | undefined;

  /**
   * An event of debugpy. Return nothing to let it pass, `null` to keep it from the client, or a changed copy.
   * Later messages wait for it, so that order holds: be quick.
   */
  onEvent?(event: DebugProtocol.Event): MaybePromise<DebugProtocol.Event | null | undefined>;

  /** A reverse request of debugpy (`runInTerminal`, `startDebugging`). As `onRequest`, with `next` asking the client. */
  onReverseRequest?(request: DebugProtocol.Request, next: Next): MaybePromise<DebugProtocol.Response | undefined> | undefined;

  /** The session is over: drop timers and state. */
  dispose?(): void;
}

export const DEFAULT_INTERCEPTOR_TIMEOUT_MS = 10_000;
