/**
 * Steps that stay with the task. The probe plans (see _ah_step.py) before debugpy steps; on a task's entry in the Call Stack every
 * step means "run until this task resumes".
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { AdapterContext } from '../context';
import { errorResponse, successResponse } from '../errors';
import type { Interceptor, Next } from '../interceptors';
import type { StopState } from './StopState';
import type { TaskThreads } from './TaskThreads';

type Request = DebugProtocol.Request;
type Response = DebugProtocol.Response;

const KINDS: Record<string, 'next' | 'in' | 'out'> = { next: 'next', stepIn: 'in', stepOut: 'out' };
/** Longer than this the user does not wait for a step to begin; it is then debugpy's own. */
const ARM_TIMEOUT_MS = 1_500;

export class Stepping implements Interceptor {
  readonly name = 'steps of tasks';

  constructor(
    private readonly context: AdapterContext,
    private readonly stop: StopState,
    private readonly threads: TaskThreads,
  ) {}

  onRequest(request: Request, next: Next): Promise<Response> | Response | undefined {
    const args = request.arguments as { threadId?: number; targetId?: number } | undefined;
    const kind = KINDS[request.command];
    if (kind) {
      if (this.threads.isTask(args?.threadId)) return this.onTask(request, args!.threadId!);
      // "Step into target" names its function itself.
      if (args?.targetId !== undefined || !this.context.probe.isLive || !this.stop.stopped) return this.resumes(request, next);
      return this.step(request, next, kind);
    }
    if (request.command === 'continue') {
      const real = this.threads.isTask(args?.threadId) ? { ...request, arguments: { ...args, threadId: this.realThread() } } : request;
      return this.resumes(real, next);
    }
    if (request.command === 'pause' && this.threads.isTask(args?.threadId)) {
      // There is one process: pausing "a task" pauses it.
      return this.pauseAll(request, next);
    }
    return undefined;
  }

  /** Runs the program until a suspended task resumes. @throws Error when the probe can't arm it */
  async runUntilResume(task: number): Promise<string> {
    const { name } = await this.context.probe.request<{ name: string }>('step.resume', { task });
    if (this.stop.stopped) {
      const threadId = this.realThread();
      this.stop.resumed();
      await this.context.client.request('continue', { threadId });
    }
    return name;
  }

  private async step(request: Request, next: Next, kind: 'next' | 'in' | 'out'): Promise<Response> {
    const { threadId } = request.arguments as { threadId: number };
    try {
      await this.context.probe.request('step.arm', { threadId, kind }, ARM_TIMEOUT_MS);
    } catch (error) {
      this.context.log.warn(`plain ${request.command}: ${error instanceof Error ? error.message : error}`);
    }
    return this.resumes(request, next);
  }

  private async resumes(request: Request, next: Next): Promise<Response> {
    const { generation } = this.stop;
    const response = await next(request);
    // A new stop may have come before the answer is looked at.
    if (response.success && generation === this.stop.generation) this.stop.resumed();
    return response;
  }

  private async onTask(request: Request, threadId: number): Promise<Response> {
    const task = this.threads.taskFor(threadId);
    if (task === undefined) return errorResponse(request, new Error('This line is no task; choose one of the tasks above it.'));
    try {
      await this.runUntilResume(task);
      return successResponse(request);
    } catch (error) {
      return errorResponse(request, error);
    }
  }

  private async pauseAll(request: Request, next: Next): Promise<Response> {
    const { threads } = await this.context.client.request<DebugProtocol.ThreadsResponse['body']>('threads');
    return next({ ...request, arguments: { threadId: threads[0]?.id ?? 0 } });
  }

  private realThread(): number {
    return this.stop.threadId ?? 0;
  }
}
