/** `asyncHealth/…` requests about one task (`task` = its address), from the Call Stack's and the panel's menus. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { AdapterContext } from '../context';
import { errorResponse, successResponse } from '../errors';
import type { Interceptor } from '../interceptors';
import type { CreationStacks } from './CreationStacks';
import type { Stepping } from './Stepping';
import type { TaskThreads } from './TaskThreads';

type Arguments = Record<string, unknown>;

export class TaskActions implements Interceptor {
  readonly name = 'task actions';
  readonly timeoutMs = 0; // the probe's requests have their own limit
  private readonly actions: Record<string, (args: Arguments) => Promise<unknown>>;

  constructor(
    context: AdapterContext,
    private readonly threads: TaskThreads,
    private readonly stepping: Stepping,
    private readonly creations: CreationStacks,
  ) {
    this.actions = {
      /** → `{name, paused}`; paused: it takes effect once the program goes on. */
      'asyncHealth/cancelTask': (args) => context.probe.request('tasks.cancel', { task: this.task(args) }),
      /** `{task, on?: boolean}` → `{armed, name}` */
      'asyncHealth/breakOnResume': (args) => context.probe.request('step.breakOnResume', { task: this.task(args), on: args.on !== false }),
      /** → `{name}`; lets the program run when it stands. */
      'asyncHealth/runUntilResume': async (args) => ({ name: await this.stepping.runUntilResume(this.task(args)) }),
      /**
       * → `{location, stack}` (file, line, function; leaf first); the stack then shows a section "created at". `quiet`: only when it
       * is fetched the next time. VS Code answers `invalidated` by going back to the stopped frame, away from what is shown.
       */
      'asyncHealth/revealCreation': async (args) => this.reveal(this.task(args), args.quiet === true),
      /** `{show}`: tasks without a line of the user's code in the Call Stack. */
      'asyncHealth/showLibraryTasks': async ({ show }) => {
        this.threads.showLibrary = show !== false;
        this.threads.refresh();
        return { show: this.threads.showLibrary };
      },
    };
  }

  onRequest(request: DebugProtocol.Request): Promise<DebugProtocol.Response> | undefined {
    const action = this.actions[request.command];
    return action ? this.answer(request, action) : undefined;
  }

  private async answer(request: DebugProtocol.Request, action: (args: Arguments) => Promise<unknown>): Promise<DebugProtocol.Response> {
    try {
      return successResponse(request, await action((request.arguments ?? {}) as Arguments));
    } catch (error) {
      return errorResponse(request, error);
    }
  }

  /** By address, or by the thread number that the Call Stack knows (`threadId`). */
  private task(args: Arguments): number {
    const fromThread = this.threads.taskFor(args.threadId) ?? this.threads.runningIn(Number(args.threadId))?.task;
    const address = args.task === undefined ? fromThread : Number(args.task);
    if (address === undefined || !Number.isSafeInteger(address) || address <= 0) {
      throw new Error(`${JSON.stringify(args.task ?? args.threadId)} is no task. Choose one in the Call Stack or the panel.`);
    }
    return address;
  }

  private async reveal(task: number, quiet: boolean): Promise<unknown> {
    const stack = (await this.creations.reveal(task)).map(({ source, line, name }) => ({ file: source?.path, line, function: name }));
    if (quiet) this.threads.forgetStacks();
    else this.threads.refresh();
    return { location: stack[0], stack };
  }
}
