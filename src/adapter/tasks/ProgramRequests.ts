/** What the program asks through `async_health.AsyncDebugger`: operations as named sessions, breakpoints, continue. */
import { renderReport, renderSummary } from '../../health';
import { sessionReport } from '../CustomRequests';
import type { AdapterContext } from '../context';
import type { Interceptor } from '../interceptors';
import type { BreakpointMerge } from './BreakpointMerge';
import type { StopState } from './StopState';

interface ProgramBreakpoint {
  id: string;
  file: string;
  line: number;
  condition?: string;
  hitCount?: string;
  logMessage?: string;
}

export class ProgramRequests implements Interceptor {
  readonly name = "the program's requests";
  /** The program's id of a breakpoint → RemoteDebugger's. */
  private readonly set = new Map<string, number>();
  private readonly beginning = new Map<string, Promise<unknown>>();
  private readonly off: () => void;

  constructor(
    private readonly context: AdapterContext,
    private readonly stop: StopState,
    private readonly breakpoints: BreakpointMerge,
  ) {
    this.off = context.probe.onProgramRequest((method, params) => this.handle(method, params));
  }

  dispose(): void {
    this.off();
  }

  private handle(method: string, params: Record<string, unknown>): Promise<unknown> | undefined {
    switch (method) {
      case 'operationBegin': {
        const begun = this.begin(params);
        this.beginning.set(String(params.id), begun);
        return begun.finally(() => this.beginning.delete(String(params.id)));
      }
      case 'operationEnd':
        return this.end(params);
      case 'setBreakpoint':
        return this.add(params as unknown as ProgramBreakpoint);
      case 'removeBreakpoint':
        return this.remove(String(params.id));
      case 'continue':
        return this.resume();
      case 'report':
        return this.report(params.format);
      default:
        return undefined;
    }
  }

  /** `async_health.generate_report()`: what the panel and the command line would write now, as text. */
  private async report(format: unknown): Promise<string> {
    const report = sessionReport(this.context);
    if (format === 'text') return renderSummary(report, { width: 100 });
    if (format !== 'json' && format !== 'markdown' && format !== 'html')
      throw new Error(`A report is "json", "markdown", "html" or "text".`);
    return renderReport(report, format);
  }

  private async begin(params: Record<string, unknown>): Promise<unknown> {
    const id = String(params.id);
    const metadata = { ...(params.metadata as Record<string, unknown> | undefined), isolation: params.isolation };
    this.breakpoints.operations.add(id);
    const session = this.context.remote.debugSession(String(params.name), id, metadata);
    session.onClose(() => this.breakpoints.operations.delete(id));
    const wanted = Array.isArray(params.breakpoints) ? (params.breakpoints as ProgramBreakpoint[]) : [];
    try {
      const set = await Promise.all(wanted.map((one) => session.setBreakpoint(this.local(one.file), one.line, options(one))));
      return { breakpoints: set.map(({ verified, line, message }) => ({ verified, line, message })) };
    } catch (error) {
      session.fail(error);
      await session.close();
      throw error;
    }
  }

  private async end(params: Record<string, unknown>): Promise<boolean> {
    // A short operation may be over before its breakpoints are set.
    await this.beginning.get(String(params.id))?.catch(() => {});
    const session = this.context.remote.getSession(String(params.id));
    if (!session?.active) return false;
    if (params.state === 'failed') session.fail(String(params.error ?? 'failed'));
    await session.close();
    return true;
  }

  private async add(wanted: ProgramBreakpoint): Promise<unknown> {
    const known = this.set.get(wanted.id);
    if (known !== undefined) await this.context.remote.removeBreakpoint(known);
    const { id, verified, line, message } = await this.context.remote.setBreakpoint(this.local(wanted.file), wanted.line, options(wanted));
    this.set.set(wanted.id, id);
    return { verified, line, message };
  }

  private async remove(id: string): Promise<boolean> {
    const known = this.set.get(id);
    this.set.delete(id);
    return known === undefined ? false : this.context.remote.removeBreakpoint(known);
  }

  private async resume(): Promise<boolean> {
    if (!this.stop.stopped) return false;
    await this.context.request('continue', { threadId: this.stop.threadId ?? 0 });
    return true;
  }

  /** The program's path as the client names it (`pathMappings`): that is what setBreakpoints takes. */
  private local(file: string): string {
    const mappings = this.context.configuration.pathMappings;
    if (!Array.isArray(mappings)) return file;
    for (const { localRoot, remoteRoot } of mappings as { localRoot?: string; remoteRoot?: string }[]) {
      if (!localRoot || !remoteRoot || remoteRoot === '.') continue;
      const root = remoteRoot.replace(/[\\/]+$/, '');
      if (file === root || file.startsWith(`${root}/`) || file.startsWith(`${root}\\`)) {
        const rest = file.slice(root.length);
        return localRoot.replace(/[\\/]+$/, '') + (localRoot.includes('\\') ? rest.replace(/\//g, '\\') : rest.replace(/\\/g, '/'));
      }
    }
    return file;
  }
}

function options({ condition, hitCount, logMessage }: ProgramBreakpoint) {
  return {
    ...(condition === undefined ? {} : { condition }),
    ...(hitCount === undefined ? {} : { hitCount }),
    ...(logMessage === undefined ? {} : { logMessage }),
  };
}
