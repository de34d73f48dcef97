/**
 * Tasks in the Call Stack: at a stop, tasks appear beside the real threads, with stitched stacks that debugpy serves.
 *
 * The list costs one question to the probe; a task's frames are registered with debugpy only when its stack is asked for. Frame
 * ids are debugpy's own, so scopes, variables, evaluate, setVariable, completions and hover need nothing of ours.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { AdapterContext } from '../context';
import { errorResponse, successResponse } from '../errors';
import type { Interceptor, Next } from '../interceptors';
import type { CreationStacks } from './CreationStacks';
import type { StopState } from './StopState';
import { awaiterFrames, type Frame, type Inside, LabelIds, labelFrame, page, type Segment, spliceThread } from './stitch';

type Request = DebugProtocol.Request;
type Response = DebugProtocol.Response;

/** First number of a task's thread; real ones count up from 1. */
const FIRST_TASK_ID = 1_500_000_000;
/** The entry that says how many tasks are not shown. */
const MORE_ID = FIRST_TASK_ID - 1;
const LIST_TIMEOUT_MS = 5_000;
/** After a resume the tasks' entries stay this long, so that a step does not make the Call Stack flicker. */
const LINGER_MS = 400;

interface TaskList {
  total: number;
  hidden: number;
  tasks: { task: number; name: string; user: boolean }[];
  running: { task: number; name: string; threadId: number | null; stopped: boolean }[];
}

export class TaskThreads implements Interceptor {
  readonly name = 'tasks in the call stack';
  /** Live toggle: tasks without a line of the user's code. */
  showLibrary = true;
  private readonly idOf = new Map<number, number>();
  private readonly taskOf = new Map<number, number>();
  private nextId = FIRST_TASK_ID;
  private readonly labels = new LabelIds();
  /** Task entries that the client has seen and we have not taken back. */
  private shown = new Set<number>();
  private lingering: NodeJS.Timeout | undefined;
  /** Of the present stop. */
  private list: { generation: number; value: TaskList } | undefined;
  private stacks = new Map<string, Promise<Frame[]>>();
  private stacksGeneration = -1;
  /** Of the thread that stopped, where the stop itself does not tell: asked for at once, since the client asks for its stack first. */
  private inside: { generation: number; value: Promise<Inside> } | undefined;

  constructor(
    private readonly context: AdapterContext,
    private readonly stop: StopState,
    private readonly creations: CreationStacks,
  ) {
    stop.onResume(() => this.resumed());
    stop.onStop(() => {
      clearTimeout(this.lingering);
      const { generation, threadId } = stop;
      if (threadId === undefined || !context.probe.isLive) return;
      if (stop.inside) this.fetchAll(threadId, stop.inside);
      else {
        this.inside = { generation, value: this.askInside(threadId) };
        this.inside.value.catch(() => {}); // told to whoever asks for the stack
      }
    });
  }

  onRequest(request: Request, next: Next): Promise<Response> | Response | undefined {
    const args = (request.arguments ?? {}) as { threadId?: number; frameId?: number };
    switch (request.command) {
      case 'threads':
        return this.stop.stopped && this.context.probe.isLive ? this.threads(request, next) : undefined;
      case 'stackTrace':
        return this.stackTrace(request, next);
      case 'scopes':
        return LabelIds.isLabel(args.frameId) ? successResponse(request, { scopes: [] }) : undefined;
      case 'evaluate':
      case 'setExpression':
      case 'completions':
      case 'stepInTargets':
        return LabelIds.isLabel(args.frameId) ? this.onLabel(request, next) : undefined;
      case 'exceptionInfo':
      case 'gotoTargets':
      case 'goto':
        return this.isTask(args.threadId)
          ? errorResponse(request, new Error('This is a suspended task; that works on a thread that has stopped in your code.'))
          : undefined;
      default:
        return undefined;
    }
  }

  /** A task's address by the client's thread number; undefined for real threads. */
  taskFor(threadId: unknown): number | undefined {
    return typeof threadId === 'number' ? this.taskOf.get(threadId) : undefined;
  }

  isTask(threadId: unknown): boolean {
    return typeof threadId === 'number' && threadId >= MORE_ID;
  }

  /** The task that runs in a real thread, as the last list says. */
  runningIn(threadId: number): { task: number; name: string } | undefined {
    return this.list?.value.running.find((entry) => entry.threadId === threadId);
  }

  /** Has the client ask again for threads and stacks (the toggle, a section that was asked for). */
  refresh(threadId?: number): void {
    this.forgetStacks();
    if (!this.stop.stopped || this.context.clientCapabilities.supportsInvalidatedEvent !== true) return;
    this.context.sendEvent('invalidated', threadId === undefined ? { areas: ['threads'] } : { areas: ['stacks'], threadId });
  }

  forgetStacks(): void {
    this.stacks.clear();
  }

  idFor(task: number): number {
    let id = this.idOf.get(task);
    if (id === undefined) {
      id = this.nextId++;
      this.idOf.set(task, id);
      this.taskOf.set(id, task);
    }
    return id;
  }

  dispose(): void {
    clearTimeout(this.lingering);
  }

  // --- threads -------------------------------------------------------------------------------------------------------

  private async threads(request: Request, next: Next): Promise<Response> {
    const generation = this.stop.generation;
    const asked = this.askList();
    const response = await next(request);
    const list = await asked;
    const body = response.body as DebugProtocol.ThreadsResponse['body'] | undefined;
    if (!list || !response.success || !body || generation !== this.stop.generation) return response;
    if (list.total === 0) return response;
    const entries: DebugProtocol.Thread[] = list.tasks.map(({ task, name }) => ({ id: this.idFor(task), name }));
    this.shown = new Set(entries.map((entry) => entry.id));
    const left = list.total - list.running.length - entries.length;
    if (left > 0) {
      entries.push({ id: MORE_ID, name: moreName(entries.length + list.running.length, list) });
      this.shown.add(MORE_ID);
    }
    return { ...response, body: { threads: [...this.realThreads(body.threads, list), ...entries] } };
  }

  /** The real threads, that of the stop first, each with the task that runs in it. */
  private realThreads(threads: DebugProtocol.Thread[], list: TaskList): DebugProtocol.Thread[] {
    const named = threads.map((thread) => {
      const running = list.running.find((entry) => entry.threadId === thread.id);
      return running ? { ...thread, name: `${running.name} · ${thread.name}` } : thread;
    });
    const first = named.filter((thread) => thread.id === this.stop.threadId);
    return [...first, ...named.filter((thread) => thread.id !== this.stop.threadId)];
  }

  private async askList(): Promise<TaskList | undefined> {
    const { generation } = this.stop;
    const params = { max: this.context.options.maxTasksInCallStack, library: this.showLibrary };
    try {
      const value = await this.context.probe.request<TaskList>('tasks.list', params, LIST_TIMEOUT_MS);
      this.list = { generation, value };
      return value;
    } catch (error) {
      this.context.log.warn(`no tasks in the call stack: ${error instanceof Error ? error.message : error}`);
      return undefined;
    }
  }

  private resumed(): void {
    this.stacks.clear();
    if (this.shown.size === 0) return;
    clearTimeout(this.lingering);
    this.lingering = setTimeout(() => {
      if (this.stop.stopped) return;
      const gone = [...this.shown];
      this.shown.clear();
      for (const threadId of gone) this.context.sendEvent('thread', { reason: 'exited', threadId });
    }, LINGER_MS);
  }

  // --- stacks --------------------------------------------------------------------------------------------------------

  private stackTrace(request: Request, next: Next): Promise<Response> | Response | undefined {
    const args = request.arguments as DebugProtocol.StackTraceArguments | undefined;
    if (!args || typeof args.threadId !== 'number') return undefined;
    if (args.threadId === MORE_ID) return successResponse(request, page([labelFrame(this.labels.take(), this.moreHint())], args));
    const task = this.taskFor(args.threadId);
    if (task === undefined && this.isTask(args.threadId)) return errorResponse(request, new Error('This task has ended.'));
    if (task !== undefined) return this.taskStack(request, args, task);
    if (!this.stop.stopped || !this.context.probe.isLive || this.hasNoTasks()) return undefined;
    const told = args.threadId === this.stop.threadId ? this.stop.inside : undefined;
    if (told && !this.isStitched(told)) return undefined;
    return this.threadStack(request, args, next, told);
  }

  /** Whether there is anything to add to debugpy's stack of a thread. */
  private isStitched({ task, segments }: Inside): boolean {
    return (segments?.length ?? 0) > 0 || (task !== undefined && this.creations.wanted(task) !== undefined);
  }

  /** Begins to fetch all parts of a stitched stack, side by side. */
  private fetchAll(threadId: number, { segments }: Inside, format?: DebugProtocol.StackFrameFormat): void {
    if (!segments?.length) return;
    for (const part of [threadId, ...segments.map((segment) => segment.threadId)]) {
      if (part !== null) this.fetch(part, format).catch(() => {}); // told to whoever asks for the stack
    }
  }

  private async taskStack(request: Request, args: DebugProtocol.StackTraceArguments, task: number): Promise<Response> {
    if (!this.stop.stopped) return errorResponse(request, new Error('The program is running; stacks of tasks are shown when it stops.'));
    const stack = await this.cached(`task ${task} ${JSON.stringify(args.format ?? null)}`, async () => {
      const { segments } = await this.context.probe.request<{ segments: Segment[] }>('tasks.stack', { task }, LIST_TIMEOUT_MS);
      const filled = await this.fill(segments, args.format);
      const [own, ...rest] = filled;
      if (!own) return [];
      const leaf =
        own.frames.length > 0
          ? own.frames
          : [labelFrame(this.labels.take(), '── no frame in your code ("justMyCode": false shows all) ──')];
      return [...leaf, ...awaiterFrames(rest, this.labels), ...this.creationSection(task)];
    });
    return successResponse(request, page(stack, args));
  }

  private async threadStack(request: Request, args: DebugProtocol.StackTraceArguments, next: Next, told?: Inside): Promise<Response> {
    let stack: Frame[] | undefined;
    try {
      stack = await this.cached(`thread ${args.threadId} ${JSON.stringify(args.format ?? null)}`, async () => {
        const { inside: early } = this;
        const isEarly = early?.generation === this.stop.generation && args.threadId === this.stop.threadId;
        const inside = told ?? (await (isEarly ? early.value : this.askInside(args.threadId)));
        if (!inside.frames || !this.isStitched(inside)) return NOTHING;
        this.fetchAll(args.threadId, inside, args.format);
        const whole = await this.fetch(args.threadId, args.format);
        const awaiters = awaiterFrames(await this.fill(inside.segments ?? [], args.format), this.labels);
        return spliceThread(whole, new Set(inside.frames), [...awaiters, ...this.creationSection(inside.task ?? 0)]);
      });
    } catch (error) {
      this.context.log.warn(`plain stack of thread ${args.threadId}: ${error instanceof Error ? error.message : error}`);
    }
    // Without a task in it the thread is debugpy's business, to the letter.
    if (!stack || stack === NOTHING) return next(request);
    return successResponse(request, page(stack, args));
  }

  private askInside(threadId: number): Promise<Inside> {
    return this.context.probe.request<Inside>('tasks.thread', { threadId }, LIST_TIMEOUT_MS);
  }

  private creationSection(task: number): Frame[] {
    const stack = this.creations.wanted(task);
    if (!stack || stack.length === 0) return [];
    return [labelFrame(this.labels.take(), '── created at ──'), ...stack.map((frame) => ({ ...frame, id: this.labels.take() }))];
  }

  private async fill(segments: readonly Segment[], format: DebugProtocol.StackFrameFormat | undefined) {
    return Promise.all(
      segments.map(async (segment) => {
        if (segment.threadId === null) return { segment, frames: [] };
        const frames = await this.fetch(segment.threadId, format);
        const only = segment.frames && new Set(segment.frames);
        return { segment, frames: only ? frames.filter((frame) => only.has(frame.id)) : frames };
      }),
    );
  }

  /** A whole stack as debugpy gives it, once per stop. */
  private fetch(threadId: number, format: DebugProtocol.StackFrameFormat | undefined): Promise<Frame[]> {
    return this.cached(`debugpy ${threadId} ${JSON.stringify(format ?? null)}`, async () => {
      const body = await this.context.client.request<DebugProtocol.StackTraceResponse['body']>(
        'stackTrace',
        { threadId, ...(format ? { format } : {}) },
        { timeoutMs: LIST_TIMEOUT_MS },
      );
      return body.stackFrames;
    });
  }

  private cached(key: string, make: () => Promise<Frame[]>): Promise<Frame[]> {
    if (this.stacksGeneration !== this.stop.generation) {
      this.stacks.clear();
      this.stacksGeneration = this.stop.generation;
    }
    let known = this.stacks.get(key);
    if (!known) {
      known = make();
      this.stacks.set(key, known);
      known.catch(() => this.stacks.delete(key));
    }
    return known;
  }

  private hasNoTasks(): boolean {
    return this.list?.generation === this.stop.generation && this.list.value.total === 0;
  }

  private moreHint(): string {
    const list = this.list?.value;
    if (list && list.hidden > 0) return `── ${list.hidden} tasks of libraries are hidden; "Async Health: Show Library Tasks" shows them ──`;
    return '── "asyncHealth.maxTasksInCallStack" says how many are shown ──';
  }

  private async onLabel(request: Request, next: Next): Promise<Response> {
    // As without a frame for the console; anything else has nothing to work on.
    if (request.command === 'evaluate' && (request.arguments as DebugProtocol.EvaluateArguments).context === 'repl') {
      const { frameId: _, ...rest } = request.arguments as DebugProtocol.EvaluateArguments;
      return next({ ...request, arguments: rest });
    }
    return errorResponse(request, new Error('This line only says who awaits whom; choose a frame above or below it.'));
  }
}

/** Marks "no task in this thread" in the cache. */
const NOTHING: Frame[] = [];

function moreName(shown: number, list: TaskList): string {
  const count = `${shown.toLocaleString('en')} of ${list.total.toLocaleString('en')} tasks`;
  return list.hidden > 0 ? `… ${count} (${list.hidden.toLocaleString('en')} of libraries hidden)` : `… ${count}`;
}
