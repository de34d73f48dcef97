/**
 * `await` in Debug Console and watches. Running: on the program's own loop; the answer comes when it is done, and `cancel` cancels it.
 * Paused: what can complete does, in the chosen frame; what needs the loop says so, and in the console it is kept: its result
 * arrives as output once the program goes on. `asyncHealth/resumeUntilDone` lets it run that long and then pauses it again.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { pythonLiteral } from '../../probe/link';
import type { AdapterContext } from '../context';
import { errorResponse, successResponse } from '../errors';
import type { Interceptor, Next } from '../interceptors';
import type { StopState } from './StopState';

type Request = DebugProtocol.Request;
type Response = DebugProtocol.Response;

/** Told by the probe when something awaited is over. */
interface Outcome {
  number: number;
  result?: string;
  type?: string;
  error?: string;
  traceback?: string;
  cancelled?: boolean;
}

interface Open {
  expression: string;
  /** Seq of the client's request, while it waits for its answer. */
  seq: number | undefined;
  settle: (outcome: Outcome) => void;
}

/** Tells VS Code that something awaited was kept, so that the extension can offer to resume; `{expression}`. */
export const KEPT_EVENT = 'asyncHealthAwaitKept';

const KEPT = /NeedsLoop: KEPT (.*?)(?:\n|$)/;

export class AwaitConsole implements Interceptor {
  readonly name = 'await in the console';
  readonly timeoutMs = 0; // it takes as long as what is awaited
  private readonly open = new Map<number, Open>();
  private nextNumber = 1;
  /** Pause again once these are over; empty = nobody asked. */
  private readonly awaited = new Set<number>();
  private readonly off: () => void;

  constructor(
    private readonly context: AdapterContext,
    private readonly stop: StopState,
  ) {
    stop.onStop(() => this.awaited.clear()); // something else stopped it first
    this.off = context.probe.onProgramRequest((method, params) => {
      if (method !== 'awaited') return undefined;
      this.over(params as unknown as Outcome);
      return Promise.resolve(true);
    });
    context.probe.onStatus(() => {
      if (!context.probe.isLive) this.end('The program has ended before it was done.');
    });
  }

  onRequest(request: Request, next: Next): Promise<Response> | undefined {
    if (request.command === 'cancel') return this.cancel(request);
    if (request.command === 'asyncHealth/resumeUntilDone') return this.resumeUntilDone(request);
    if (request.command !== 'evaluate' || !this.context.probe.isLive) return undefined;
    const args = request.arguments as DebugProtocol.EvaluateArguments;
    if (!hasAwait(args.expression) || args.context === 'hover' || args.context === 'clipboard') return undefined;
    if (this.stop.stopped && args.frameId !== undefined) return this.paused(request, args, next);
    if (this.stop.stopped) return undefined;
    return this.running(request, args);
  }

  dispose(): void {
    this.off();
    this.end('The session has ended.');
  }

  // --- running -------------------------------------------------------------------------------------------------------

  private async running(request: Request, args: DebugProtocol.EvaluateArguments): Promise<Response> {
    const number = this.nextNumber++;
    const outcome = new Promise<Outcome>((settle) => {
      this.open.set(number, { expression: args.expression, seq: request.seq, settle });
    });
    try {
      await this.context.probe.request('await.run', { source: args.expression, number });
    } catch (error) {
      this.open.delete(number);
      return errorResponse(request, error);
    }
    const { result, type, error, traceback, cancelled } = await outcome;
    if (error !== undefined) return errorResponse(request, new Error(cancelled ? 'Cancelled.' : (traceback ?? error)));
    return successResponse(request, { result: result ?? '', ...(type ? { type } : {}), variablesReference: 0 });
  }

  /** DAP's `cancel` of an `evaluate` that still waits. Others are debugpy's to ignore. */
  private cancel(request: Request): Promise<Response> | undefined {
    const id = (request.arguments as DebugProtocol.CancelArguments | undefined)?.requestId;
    for (const [number, entry] of this.open) {
      if (id === undefined || entry.seq !== id) continue;
      return this.context.probe.request('await.cancel', { number }).then(
        () => successResponse(request),
        (error) => errorResponse(request, error),
      );
    }
    return undefined;
  }

  // --- paused --------------------------------------------------------------------------------------------------------

  private async paused(request: Request, args: DebugProtocol.EvaluateArguments, next: Next): Promise<Response> {
    const number = this.nextNumber++;
    const keep = args.context === 'repl';
    const call = `__import__('sys').modules['async_health._ah_eval'].now(${pythonLiteral(args.expression)}, globals(), locals(), ${number}, ${keep ? 'True' : 'False'})`;
    if (keep)
      this.open.set(number, { expression: args.expression, seq: undefined, settle: (outcome) => this.tell(args.expression, outcome) });
    const response = await next({ ...request, arguments: { ...args, expression: call } });
    const text = response.success ? undefined : (response.message ?? '');
    const kept = text === undefined ? null : KEPT.exec(text);
    if (!kept) this.open.delete(number);
    if (text === undefined) return response;
    if (kept) {
      if (this.context.clientCapabilities.clientID === 'vscode') this.context.sendEvent(KEPT_EVENT, { expression: args.expression });
      const body = `… "${args.expression}" ${kept[1]}. The loop stands while the program is paused: continue, and its result will be shown here.`;
      return successResponse(request, { result: body, variablesReference: 0, presentationHint: { attributes: ['readOnly'] } });
    }
    return { ...response, message: shortened(text) };
  }

  /** Continues until everything that was kept is over, then pauses. */
  private async resumeUntilDone(request: Request): Promise<Response> {
    const kept = [...this.open].filter(([, { seq }]) => seq === undefined).map(([number]) => number);
    if (!this.stop.stopped || kept.length === 0)
      return errorResponse(request, new Error('Nothing that was awaited in the Debug Console waits for the program to go on.'));
    const { threadId } = this.stop;
    for (const number of kept) this.awaited.add(number);
    try {
      await this.context.request('continue', { threadId: threadId ?? 0 });
    } catch (error) {
      this.awaited.clear();
      return errorResponse(request, error);
    }
    return successResponse(request);
  }

  /** The outcome of what was kept, as output. */
  private tell(expression: string, { result, error, traceback, cancelled }: Outcome): void {
    const failed = error !== undefined;
    const text = failed ? (cancelled ? 'cancelled' : (traceback ?? error)) : result || 'done';
    this.context.sendEvent('output', { category: failed ? 'stderr' : 'console', output: `${expression} → ${text}\n` });
  }

  private over(outcome: Outcome): void {
    const entry = this.open.get(Number(outcome.number));
    this.open.delete(Number(outcome.number));
    entry?.settle(outcome);
    if (!this.awaited.delete(Number(outcome.number)) || this.awaited.size > 0) return;
    const pausing = this.context.request<DebugProtocol.ThreadsResponse['body']>('threads');
    pausing
      .then(({ threads }) => this.context.request('pause', { threadId: threads[0]?.id ?? 0 }))
      .catch((error: Error) => this.context.log.warn(`the program runs on after what was awaited: ${error.message}`));
  }

  private end(why: string): void {
    const waiting = [...this.open];
    this.open.clear();
    for (const [number, entry] of waiting) if (entry.seq !== undefined) entry.settle({ number, error: why });
  }
}

/** Whether an expression awaits: the word `await` outside of strings and comments, and not inside a function of its own. */
export function hasAwait(expression: string): boolean {
  if (!expression.includes('await')) return false;
  const bare = expression.replace(/#.*$/gm, '').replace(/("""|''')[\s\S]*?\1|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'/g, "''");
  if (/^\s*(async\s+)?def\s/m.test(bare)) return false;
  return /(^|[^\w.])(await\b|async\s+(for|with)\b)/.test(bare);
}

/** debugpy's console gives a whole traceback; ours at the top of it says nothing to the user. */
function shortened(text: string): string {
  const needsLoop = /NeedsLoop: ([\s\S]*)$/.exec(text);
  if (needsLoop) return `This can't complete now: ${needsLoop[1]!.trim()}`;
  const lines = text.split('\n');
  const last = lines.findLastIndex((line) => line.includes('_ah_eval.py') || line.includes('<await>'));
  const rest = last >= 0 ? lines.slice(last + 1).filter((line, index) => index > 0 || !line.startsWith('    ')) : lines;
  return rest.join('\n').trim() || text;
}
