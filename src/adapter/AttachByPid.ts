/**
 * An attach by process id that fails is told at once and with the reason. debugpy prints what its injector said and leaves the
 * request open until its own time is over, 15 s or more later.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { UserError } from './errors';
import type { Interceptor, Next } from './interceptors';

const FAILED = 'Attach to PID failed.';
/** How src/python/attach begins the line that is for the user. */
const REASON = /^attach: (.+)$/m;
/** The injector's output comes in the event after the one that says that it failed, ms. */
const OUTPUT_GRACE_MS = 300;

const OTHERWISE = 'Start the program with "python -m debugpy --listen 5678 …" and attach by host and port instead.';

export class AttachByPid implements Interceptor {
  readonly name = 'attach by process id';
  readonly timeoutMs = 0;
  private failed: ((reason: string) => void) | undefined;
  private said = '';
  private timer: NodeJS.Timeout | undefined;

  onRequest(request: DebugProtocol.Request, next: Next): Promise<DebugProtocol.Response> | undefined {
    const { processId } = (request.arguments ?? {}) as { processId?: unknown };
    if (request.command !== 'attach' || processId === undefined) return undefined;
    const failure = new Promise<never>((_, reject) => {
      this.failed = (reason) => {
        const [what, ...rest] = reason.split(/(?<=\.) /);
        reject(new UserError('attach-failed', what!, rest.length > 0 ? rest.join(' ') : OTHERWISE));
      };
    });
    return Promise.race([next(request), failure]).finally(() => this.dispose());
  }

  onEvent(event: DebugProtocol.Event): undefined {
    if (!this.failed || event.event !== 'output') return undefined;
    this.said += (event.body as DebugProtocol.OutputEvent['body']).output;
    const fail = this.failed;
    const reason = REASON.exec(this.said)?.[1];
    if (!this.said.includes(FAILED)) return undefined;
    if (reason) fail(reason);
    else this.timer ??= setTimeout(() => fail('debugpy could not get into the process; its output says why.'), OUTPUT_GRACE_MS);
    return undefined;
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.failed = undefined;
  }
}
