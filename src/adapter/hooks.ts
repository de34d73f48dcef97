/** Running interceptors' hooks so that a fault of ours never costs the user a message. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { errorResponse, RequestFailed, UserError } from './errors';
import { DEFAULT_INTERCEPTOR_TIMEOUT_MS, type Interceptor, type Next } from './interceptors';
import type { Log } from './log';

type Request = DebugProtocol.Request;
type Response = DebugProtocol.Response;

export function isPromise<T>(value: unknown): value is Promise<T> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === 'function';
}

/** Rejects after `ms` (0 = never). The promise itself goes on; its late outcome is ignored. */
export function withTimeout<T>(promise: Promise<T>, ms: number, what: string): Promise<T> {
  if (ms <= 0) return promise;
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/**
 * Runs one request hook. Returns nothing when it leaves the request alone; else a response that always comes: the hook's own, or,
 * when it throws or takes too long, what the rest of the chain answers (`next` is called at most once either way).
 */
export function runRequestHook(
  interceptor: Interceptor,
  request: Request,
  next: Next,
  hook: (request: Request, next: Next) => unknown,
  log: Log,
): Promise<Response> | undefined {
  let passed: Promise<Response> | undefined;
  const limitMs = interceptor.timeoutMs ?? DEFAULT_INTERCEPTOR_TIMEOUT_MS;
  const clock = new OwnTime(limitMs);
  const once: Next = (changed) => {
    passed ??= clock.excluding(next(changed));
    return passed;
  };
  const fallBack = (error: unknown): Promise<Response> | Response => {
    if (error instanceof RequestFailed || error instanceof UserError) return errorResponse(request, error);
    log.error(`${interceptor.name} failed on "${request.command}"; it goes on without it`, error);
    return once(request);
  };
  try {
    const outcome = hook(request, once);
    if (outcome === undefined || outcome === null) {
      clock.stop();
      return passed; // a hook that called `next` without returning its promise has still taken the request
    }
    if (!isPromise<Response>(outcome)) {
      clock.stop();
      return Promise.resolve(outcome as Response);
    }
    return Promise.race([outcome, clock.expired(interceptor.name)])
      .then((response) => response ?? once(request))
      .catch(fallBack)
      .finally(() => clock.stop());
  } catch (error) {
    clock.stop();
    return Promise.resolve(fallBack(error));
  }
}

/** A deadline that stands still while the hook waits for others. */
class OwnTime {
  private timer: NodeJS.Timeout | undefined;
  private reject: ((error: Error) => void) | undefined;
  private usedMs = 0;
  private startedAt = performance.now();
  private waiting = 0;
  private stopped = false;
  private name = '';

  constructor(private readonly limitMs: number) {}

  expired(name: string): Promise<never> {
    this.name = name;
    return new Promise<never>((_, reject) => {
      this.reject = reject;
      if (this.waiting === 0) this.arm();
    });
  }

  excluding<T>(promise: Promise<T>): Promise<T> {
    this.waiting += 1;
    this.usedMs += performance.now() - this.startedAt;
    clearTimeout(this.timer);
    const resume = () => {
      this.waiting -= 1;
      this.startedAt = performance.now();
      if (this.waiting === 0) this.arm();
    };
    promise.then(resume, resume);
    return promise;
  }

  stop(): void {
    this.stopped = true;
    clearTimeout(this.timer);
  }

  private arm(): void {
    if (this.stopped || this.limitMs <= 0 || !this.reject) return;
    const leftMs = Math.max(0, this.limitMs - this.usedMs);
    this.timer = setTimeout(() => this.reject?.(new Error(`${this.name} took longer than ${this.limitMs} ms`)), leftMs);
  }
}
