/**
 * Stop on violation: the program stands where async code goes wrong, and the stop says what happened and what to do.
 *
 * What the probe can tell at once (a scope left by the wrong task, a lock taken twice …) stops in the offending frame itself; what
 * only the model sees (a deadlock, a blocked loop …) pauses the program as soon as it is seen.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Finding, FindingCode, SourceLocation } from '../../shared/findings';
import type { AdapterContext } from '../context';
import { successResponse } from '../errors';
import type { Interceptor, Next } from '../interceptors';
import type { StopState } from './StopState';
import { type Armed, codesToStopAt, FILTERS, mergeResults, NOTHING_ARMED, splitFilters, stopsAt } from './violationFilters';

type Request = DebugProtocol.Request;
type Response = DebugProtocol.Response;

/** The stop comes right behind the message that announces it. */
const ANNOUNCED_MS = 3_000;
/** A pause asked for by us is ours when the stop comes this soon. */
const PAUSE_MS = 5_000;
/** How long `exceptionInfo` waits for the model's words (advice, both places): the batch comes at the next tick. */
const FINDING_WAIT_MS = 700;

interface Violation {
  code: FindingCode;
  message: string;
  at?: SourceLocation;
  /** What the panel says. */
  finding?: Finding;
}

export class Violations implements Interceptor {
  readonly name = 'stop on violation';
  private armed: Armed = NOTHING_ARMED;
  private knowsOptions = false;
  private announced: { violation: Violation; threadId: number; atMs: number } | undefined;
  private pausing: { finding: Finding; atMs: number } | undefined;
  /** Of the present stop. */
  private current: { violation: Violation; threadId: number } | undefined;
  private readonly offFinding: () => void;
  private readonly offRequest: () => void;

  constructor(
    private readonly context: AdapterContext,
    private readonly stop: StopState,
  ) {
    this.offFinding = context.health.onFinding((finding, isNew) => {
      if (isNew) this.found(finding);
    });
    this.offRequest = context.probe.onProgramRequest((method, params) => (method === 'violation' ? this.announce(params) : undefined));
    stop.onResume(() => {
      this.current = undefined;
    });
    context.probe.onStatus(() => {
      if (context.probe.isLive) this.arm();
    });
  }

  onRequest(request: Request, next: Next): Promise<Response> | Response | undefined {
    if (request.command === 'setExceptionBreakpoints') return this.setFilters(request, next);
    if (
      request.command === 'exceptionInfo' &&
      this.current &&
      this.current.threadId === (request.arguments as { threadId?: number })?.threadId
    ) {
      return this.info(request, this.current.violation);
    }
    return undefined;
  }

  onResponse(response: Response): Response | undefined {
    if (response.command !== 'initialize' || !response.success) return undefined;
    const body = (response.body ?? {}) as DebugProtocol.Capabilities;
    this.knowsOptions = body.supportsExceptionFilterOptions === true;
    return {
      ...response,
      body: {
        ...body,
        supportsExceptionFilterOptions: true,
        exceptionBreakpointFilters: [...(body.exceptionBreakpointFilters ?? []), ...FILTERS],
      },
    };
  }

  onEvent(event: DebugProtocol.Event): DebugProtocol.Event | undefined {
    if (event.event !== 'stopped') return undefined;
    const body = event.body as DebugProtocol.StoppedEvent['body'];
    const violation = this.violationOf(body);
    if (!violation) return undefined;
    this.current = { violation, threadId: body.threadId ?? 0 };
    const { hitBreakpointIds: _, preserveFocusHint: __, ...rest } = body;
    return {
      ...event,
      body: { ...rest, reason: 'exception', description: `Paused on ${violation.code}`, text: violation.message },
    } as DebugProtocol.Event;
  }

  dispose(): void {
    this.offFinding();
    this.offRequest();
  }

  private violationOf(body: DebugProtocol.StoppedEvent['body']): Violation | undefined {
    const { announced, pausing } = this;
    this.announced = undefined;
    if (announced && announced.threadId === body.threadId && performance.now() - announced.atMs < ANNOUNCED_MS) {
      return announced.violation;
    }
    if (pausing && body.reason === 'pause') {
      this.pausing = undefined;
      if (performance.now() - pausing.atMs < PAUSE_MS) {
        const { finding } = pausing;
        return { code: finding.code, message: finding.message, finding, ...(finding.location ? { at: finding.location } : {}) };
      }
    }
    return undefined;
  }

  private async setFilters(request: Request, next: Next): Promise<Response> {
    const split = splitFilters((request.arguments ?? { filters: [] }) as DebugProtocol.SetExceptionBreakpointsArguments, this.knowsOptions);
    this.armed = split.armed;
    this.arm();
    const response = await next({ ...request, arguments: split.rest });
    if (!response.success) return response;
    const breakpoints = mergeResults((response.body as { breakpoints?: DebugProtocol.Breakpoint[] } | undefined)?.breakpoints, split);
    return breakpoints ? { ...response, body: { ...response.body, breakpoints } } : response;
  }

  private arm(): void {
    const codes = codesToStopAt(this.armed);
    if (!this.context.probe.isLive) return;
    this.context.probe
      .request('stop.codes', { codes })
      .catch((error: Error) => this.context.log.warn(`violations will not stop the program: ${error.message}`));
  }

  private announce(params: Record<string, unknown>): Promise<true> {
    const { code, message, file, line, threadId } = params;
    this.announced = {
      threadId: Number(threadId),
      atMs: performance.now(),
      violation: {
        code: String(code) as FindingCode,
        message: String(message),
        at: { file: String(file), line: Number(line), function: String(params.function) },
      },
    };
    return Promise.resolve(true);
  }

  /** A finding of the model alone: the program is paused where it is. */
  private found(finding: Finding): void {
    if (this.stop.stopped || this.pausing || !stopsAt(this.armed, finding.code, finding.severity)) return;
    if (this.current?.violation.code === finding.code || this.announced?.violation.code === finding.code) return;
    if (STOPPED_BY_PROBE.has(finding.code)) return; // the program has stood there already
    this.pausing = { finding, atMs: performance.now() };
    void this.pause();
  }

  private async pause(): Promise<void> {
    try {
      const { threads } = await this.context.client.request<DebugProtocol.ThreadsResponse['body']>('threads');
      if (threads[0]) await this.context.request('pause', { threadId: threads[0].id });
    } catch (error) {
      this.pausing = undefined;
      this.context.log.warn(`no stop at the finding: ${error instanceof Error ? error.message : error}`);
    }
  }

  private async info(request: Request, violation: Violation): Promise<Response> {
    const finding = violation.finding ?? (await this.findingOf(violation));
    const message = finding?.message ?? violation.message;
    const stack = finding?.stack ?? (violation.at ? [violation.at] : []);
    // Editors make links of a trace's places, not of the description's.
    const trace = [
      ...stack.map((frame) => `  ${place(frame)}`),
      ...(finding?.related ?? []).flatMap((related) => [`${related.label}:`, `  ${place(related)}`]),
    ];
    const details: DebugProtocol.ExceptionDetails = {
      message,
      typeName: violation.code,
      fullTypeName: `async_health.${violation.code}`,
      stackTrace: trace.join('\n'),
    };
    return successResponse(request, {
      exceptionId: violation.code,
      description: finding?.advice ? `${message}\n\nFix: ${finding.advice}` : message,
      breakMode: 'always',
      details,
    } satisfies DebugProtocol.ExceptionInfoResponse['body']);
  }

  private async findingOf(violation: Violation): Promise<Violation['finding']> {
    const until = performance.now() + FINDING_WAIT_MS;
    for (;;) {
      const same = this.context.health.findings().filter((finding) => finding.code === violation.code);
      const here = same.filter((finding) => finding.location?.line === violation.at?.line);
      const found = here[here.length - 1] ?? (performance.now() > until ? same[same.length - 1] : undefined);
      if (found) {
        violation.finding = found;
        return found;
      }
      if (performance.now() > until) return undefined;
      await new Promise((resolve) => setTimeout(resolve, 40));
    }
  }
}

/** Codes that the probe itself sees at the moment: see `core.violation` in the Python package. */
const STOPPED_BY_PROBE: ReadonlySet<FindingCode> = new Set<FindingCode>([
  'cross-task-exit',
  'out-of-order-exit',
  'lock-reentry',
  'wrong-loop',
]);

function place({ file, line, function: name }: SourceLocation): string {
  return `${name} (${file}:${line})`;
}
