/** `asyncHealth/…` requests that need no knowledge of stops: the panel's and commands' way to the probe and the model. Last in the chain. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { HealthReport } from '../shared/report';
import type { AdapterContext } from './context';
import { errorResponse, successResponse } from './errors';
import type { Interceptor } from './interceptors';

export const CUSTOM_PREFIX = 'asyncHealth/';

type Handler = (args: Record<string, unknown>) => Promise<unknown> | unknown;

export class CustomRequests implements Interceptor {
  readonly name = 'custom requests';
  readonly timeoutMs = 0; // the probe's requests have their own limit
  private readonly handlers: Record<string, Handler>;

  constructor(context: AdapterContext) {
    this.handlers = {
      cancelTask: ({ task }) => context.probe.request('tasks.cancel', { task: address(task) }),
      setDetail: ({ detail }) => context.probe.request('setDetail', { detail }),
      report: () => sessionReport(context),
      status: () => ({
        probe: context.probe.status,
        message: context.probe.message,
        pid: context.probe.pid,
        ...context.probe.counters,
        debug: context.remote.getStatistics(),
      }),
    };
  }

  onRequest(request: DebugProtocol.Request): Promise<DebugProtocol.Response> | undefined {
    if (!request.command.startsWith(CUSTOM_PREFIX)) return undefined;
    return this.answer(request);
  }

  private async answer(request: DebugProtocol.Request): Promise<DebugProtocol.Response> {
    const handler = this.handlers[request.command.slice(CUSTOM_PREFIX.length)];
    // Never to debugpy: it would answer that it does not know the command, in a way that reads like its own fault.
    if (!handler) return errorResponse(request, new Error(`"${request.command}" is not known, or needs the program to be stopped.`));
    try {
      return successResponse(request, await handler((request.arguments ?? {}) as Record<string, unknown>));
    } catch (error) {
      return errorResponse(request, error);
    }
  }
}

/** The report of this session's program as it stands. */
export function sessionReport({ configuration, health }: AdapterContext): HealthReport {
  const { program, module, name } = configuration;
  return health.report({ program: String(program ?? module ?? name ?? '') });
}

function address(value: unknown): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number <= 0) throw new Error(`${JSON.stringify(value)} is no task's address.`);
  return number;
}
