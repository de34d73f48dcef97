/**
 * Steps of tasks. That a step stays with its task is planned in the program, as it goes on (see _ah_step.py); on a task's entry in
 * the Call Stack every step means "run until this task resumes".
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { AdapterContext } from '../context';
import { errorResponse, successResponse } from '../errors';
import type { Interceptor, Next } from '../interceptors';
import type { StopState } from './StopState';
import type { TaskThreads } from './TaskThreads';

type Request = DebugProtocol.Request;
type Response = DebugProtocol.Response;

const STEPS = new Set(['next', 'stepIn', 'stepOut']);
const RESUMING = new Set([...STEPS, 'continue']);

export class Stepping implements Interceptor {
  readonly name = 'steps of tasks';
  /** Request → the stop that it was asked at. */
  private readonly askedAt = new Map<number, number>();

  constructor(
    private readonly context: AdapterContext,
    private readonly stop: StopState,
    private readonly threads: TaskThreads,
  ) {}

  onRequest(request: Request, next: Next): Promise<Response> | Response | undefined {
    const args = request.arguments as { threadId?: number } | undefined;
    const onTask = this.threads.isTask(args?.threadId);
    if (onTask && STEPS.has(request.command)) return this.onTask(request, args!.threadId!);
    if (RESUMING.has(request.command)) {
      this.askedAt.set(request.seq, this.stop.generation);
      return onTask ? next({ ...request, arguments: { ...args, threadId: this.realThread() } }) : undefined;
    }
    if (request.command === 'pause' && onTask) {
      // There is one process: pausing "a task" pauses it.
      return this.pauseAll(request, next);
    }
    return undefined;
  }

  onResponse(response: Response, request: Request): undefined {
    const generation = this.askedAt.get(request.seq);
    if (generation === undefined) return;
    this.askedAt.delete(request.seq);
    // debugpy may tell of the next stop before it answers.
    if (response.success && generation === this.stop.generation) this.stop.resumed();
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
