/** Breakpoints that code (not the editor's gutter) sets: the shape, and the plain way to set them. */
import type { DebugProtocol } from '@vscode/debugprotocol';

export interface BreakpointOptions {
  condition?: string;
  /** As in the editor: `5`, `>= 3`, `% 2`. */
  hitCount?: number | string;
  logMessage?: string;
}

/** A breakpoint of RemoteDebugger. `line` is 1-based. */
export interface RemoteBreakpoint {
  id: number;
  file: string;
  line: number;
  condition?: string;
  hitCondition?: string;
  logMessage?: string;
  /** DebugSession that owns it; none = the debugger's own. */
  sessionId?: string;
  verified: boolean;
  /** Why it is not verified, as debugpy says it. */
  message?: string;
}

/** Where breakpoints go. In the adapter: a merge with the user's own (src/adapter/tasks); alone: {@link OwnBreakpoints}. */
export interface BreakpointBackend {
  add(breakpoint: Omit<RemoteBreakpoint, 'id' | 'verified' | 'message'>): Promise<RemoteBreakpoint>;
  /** False when there is no such breakpoint. */
  remove(id: number): Promise<boolean>;
}

/** Sets breakpoints when nobody else does: `setBreakpoints` replaces a whole file, so all of a file are sent each time, one file's update after the other. */
export class OwnBreakpoints implements BreakpointBackend {
  private nextId = 1;
  private readonly byFile = new Map<string, RemoteBreakpoint[]>();
  private queue: Promise<unknown> = Promise.resolve();

  constructor(private readonly request: <T>(command: string, args: unknown) => Promise<T>) {}

  add(wanted: Omit<RemoteBreakpoint, 'id' | 'verified' | 'message'>): Promise<RemoteBreakpoint> {
    return this.inTurn(async () => {
      const added: RemoteBreakpoint = { ...wanted, id: this.nextId++, verified: false };
      const list = [...(this.byFile.get(wanted.file) ?? []), added];
      await this.send(wanted.file, list);
      return added;
    });
  }

  remove(id: number): Promise<boolean> {
    return this.inTurn(async () => {
      for (const [file, list] of this.byFile) {
        if (!list.some((breakpoint) => breakpoint.id === id)) continue;
        const rest = list.filter((breakpoint) => breakpoint.id !== id);
        await this.send(file, rest);
        return true;
      }
      return false;
    });
  }

  private async send(file: string, list: RemoteBreakpoint[]): Promise<void> {
    const breakpoints: DebugProtocol.SourceBreakpoint[] = list.map(({ line, condition, hitCondition, logMessage }) => ({
      line,
      ...(condition === undefined ? {} : { condition }),
      ...(hitCondition === undefined ? {} : { hitCondition }),
      ...(logMessage === undefined ? {} : { logMessage }),
    }));
    const body = await this.request<DebugProtocol.SetBreakpointsResponse['body']>('setBreakpoints', {
      source: { path: file },
      breakpoints,
    });
    if (list.length > 0) this.byFile.set(file, list);
    else this.byFile.delete(file);
    list.forEach((breakpoint, index) => {
      const outcome = body.breakpoints[index];
      breakpoint.verified = outcome?.verified ?? false;
      breakpoint.line = outcome?.line ?? breakpoint.line;
      if (outcome?.message) breakpoint.message = outcome.message;
    });
  }

  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.queue.then(work);
    this.queue = turn.catch(() => {});
    return turn;
  }
}
