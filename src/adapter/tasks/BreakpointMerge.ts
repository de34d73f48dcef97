/**
 * Breakpoints of the editor and of code (RemoteDebugger, the program) in one file. The client sees its own only, under the ids it
 * knows; files without breakpoints of code pass untouched. Updates of a file run one after the other; those that come meanwhile go
 * out together. Rules: see mergeLines.ts.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { AdapterContext } from '../context';
import type { Interceptor, Next } from '../interceptors';
import type { BreakpointBackend, RemoteBreakpoint } from '../remote/breakpoints';
import { definition, type MergedLine, mergeLines, type Part } from './mergeLines';

type Request = DebugProtocol.Request;
type Response = DebugProtocol.Response;
type Result = DebugProtocol.Breakpoint;

interface ProgramPart extends Part {
  remote: RemoteBreakpoint;
}

interface FileState {
  /** `source` as the client or code gave it first. */
  source: DebugProtocol.Source;
  client: Part[];
  clientArguments: DebugProtocol.SetBreakpointsArguments | undefined;
  program: ProgramPart[];
  /** Part id → what debugpy says of its line, in the newest update. */
  results: Map<string, Result>;
  numbers: Map<number, number>;
  busy: Promise<void> | undefined;
  again: Promise<void> | undefined;
}

const DEFINE_TIMEOUT_MS = 3_000;

export class BreakpointMerge implements Interceptor, BreakpointBackend {
  readonly name = 'breakpoints';
  private readonly files = new Map<string, FileState>();
  /** debugpy's id → the client's id of the part at that line, or null when only code's. Filled for merged files only. */
  private readonly ids = new Map<number, number | null>();
  private readonly clientIds = new Map<string, number>();
  private nextPart = 1;
  private nextRemote = 1;
  private nextNumber = 1;
  /** Parts that the probe names as the cause of the stop that comes next. */
  private hit: string[] | undefined;
  private readonly offRequest: () => void;

  constructor(private readonly context: AdapterContext) {
    context.remote.useBreakpoints(this);
    this.offRequest = context.probe.onProgramRequest((method, params) => {
      if (method !== 'breakpointHit') return undefined;
      this.hit = Array.isArray(params.parts) ? params.parts.map(String) : undefined;
      this.recordHits(this.hit ?? []);
      return Promise.resolve(true);
    });
  }

  // --- the client's side ---------------------------------------------------------------------------------------------

  onRequest(request: Request, next: Next): Promise<Response> | undefined {
    if (request.command !== 'setBreakpoints') return undefined;
    const args = request.arguments as DebugProtocol.SetBreakpointsArguments;
    if (!args?.source?.path) return undefined;
    const file = this.file(args.source.path, args.source);
    const untouched = file.program.length === 0 && !file.busy;
    file.clientArguments = args;
    file.client = (args.breakpoints ?? []).map((breakpoint) => ({ id: `c${this.nextPart++}`, ...breakpoint }));
    if (untouched) return this.passThrough(file, request, next);
    return this.clientUpdate(file, request);
  }

  onEvent(event: DebugProtocol.Event): DebugProtocol.Event | null | undefined {
    if (event.event === 'breakpoint') {
      const body = event.body as DebugProtocol.BreakpointEvent['body'];
      const id = body.breakpoint.id;
      const client = id === undefined ? undefined : this.ids.get(id);
      if (client === undefined) return undefined;
      if (client === null) return null;
      return { ...event, body: { ...body, breakpoint: { ...body.breakpoint, id: client } } } as DebugProtocol.Event;
    }
    if (event.event === 'stopped') return this.stopped(event);
    return undefined;
  }

  dispose(): void {
    this.offRequest();
  }

  private async passThrough(file: FileState, request: Request, next: Next): Promise<Response> {
    const parts = file.client;
    let settle = () => {};
    file.busy = new Promise((resolve) => {
      settle = resolve;
    });
    try {
      const response = await next(request);
      const results = (response.body as { breakpoints?: Result[] } | undefined)?.breakpoints ?? [];
      for (const [index, part] of parts.entries()) this.learn(file, part, results[index], true);
      return response;
    } finally {
      file.busy = undefined;
      settle();
    }
  }

  private async clientUpdate(file: FileState, request: Request): Promise<Response> {
    const parts = file.client;
    await this.update(file);
    const breakpoints = parts.map((part) => {
      const result = file.results.get(part.id) ?? { verified: false, message: 'Replaced by a newer list.' };
      const clientId = this.clientIds.get(part.id);
      return clientId === undefined ? result : { ...result, id: clientId };
    });
    return {
      seq: 0,
      type: 'response',
      request_seq: request.seq,
      command: request.command,
      success: true,
      body: { breakpoints },
    } as Response;
  }

  private stopped(event: DebugProtocol.Event): DebugProtocol.Event | undefined {
    const body = event.body as DebugProtocol.StoppedEvent['body'];
    const { hit } = this;
    this.hit = undefined;
    if (!body.hitBreakpointIds?.some((id) => this.ids.has(id))) return undefined;
    const own = hit?.map((part) => this.clientIds.get(part)).filter((id): id is number => id !== undefined);
    const mapped = own ?? body.hitBreakpointIds.map((id) => (this.ids.has(id) ? this.ids.get(id)! : id)).filter((id) => id !== null);
    const { hitBreakpointIds: _, ...rest } = body;
    return { ...event, body: mapped.length > 0 ? { ...rest, hitBreakpointIds: mapped } : rest } as DebugProtocol.Event;
  }

  // --- code's side (BreakpointBackend) ----------------------------------------------------------------------------------

  async add(wanted: Omit<RemoteBreakpoint, 'id' | 'verified' | 'message'>): Promise<RemoteBreakpoint> {
    const file = this.file(wanted.file, { path: wanted.file });
    const remote: RemoteBreakpoint = { ...wanted, id: this.nextRemote++, verified: false };
    const part: ProgramPart = { id: `p${this.nextPart++}`, line: wanted.line, remote };
    if (wanted.condition !== undefined) part.condition = wanted.condition;
    if (wanted.hitCondition !== undefined) part.hitCondition = wanted.hitCondition;
    if (wanted.logMessage !== undefined) part.logMessage = wanted.logMessage;
    if (wanted.sessionId !== undefined && this.operations.has(wanted.sessionId)) part.operation = wanted.sessionId;
    file.program.push(part);
    try {
      await this.update(file);
    } catch (error) {
      file.program = file.program.filter((other) => other !== part);
      throw error;
    }
    return remote;
  }

  async remove(id: number): Promise<boolean> {
    for (const file of this.files.values()) {
      const part = file.program.find((other) => other.remote.id === id);
      if (!part) continue;
      file.program = file.program.filter((other) => other !== part);
      try {
        await this.update(file, [part.id]);
      } catch (error) {
        // With the program gone its breakpoints are too.
        if (!this.context.probe.isOver) throw error;
      }
      return true;
    }
    return false;
  }

  /** Sessions that are operations of the program: their breakpoints stop in the operation's own context only. */
  readonly operations = new Set<string>();

  private recordHits(parts: readonly string[]): void {
    for (const file of this.files.values()) {
      for (const part of file.program) {
        if (!parts.includes(part.id) || !part.remote.sessionId) continue;
        const { file: path, line } = part.remote;
        this.context.remote.getSession(part.remote.sessionId)?.record('breakpoint-hit', { id: part.remote.id, file: path, line });
      }
    }
  }

  // --- sending ----------------------------------------------------------------------------------------------------------

  private file(path: string, source: DebugProtocol.Source): FileState {
    const key = process.platform === 'win32' ? path.toLowerCase().replace(/\//g, '\\') : path;
    let file = this.files.get(key);
    if (!file) {
      file = {
        source,
        client: [],
        clientArguments: undefined,
        program: [],
        results: new Map(),
        numbers: new Map(),
        busy: undefined,
        again: undefined,
      };
      this.files.set(key, file);
    }
    return file;
  }

  /** Resolves once debugpy has the file's present breakpoints. All callers that come while an update runs share the next one. */
  private update(file: FileState, forget: string[] = []): Promise<void> {
    if (file.busy) {
      file.again ??= file.busy.then(() => {
        file.again = undefined;
        return this.update(file);
      });
      return file.again;
    }
    file.busy = this.send(file, forget).finally(() => {
      file.busy = undefined;
    });
    return file.busy;
  }

  private async send(file: FileState, forget: string[]): Promise<void> {
    for (let attempt = 0; attempt < 2; attempt++) {
      const parts = [...file.client, ...file.program];
      const lines = mergeLines(parts, (line) => this.numberOf(file, line));
      await this.define(lines, forget);
      const { breakpoints: _, lines: __, ...others } = file.clientArguments ?? { source: file.source };
      const body = await this.context.client.request<DebugProtocol.SetBreakpointsResponse['body']>('setBreakpoints', {
        ...others,
        source: file.clientArguments?.source ?? file.source,
        breakpoints: lines.map((line) => line.breakpoint),
        ...(file.clientArguments?.lines ? { lines: lines.map((line) => line.breakpoint.line) } : {}),
      });
      lines.forEach((line, index) => {
        for (const part of line.parts) this.learn(file, part, body.breakpoints[index], file.client.includes(part));
        this.mapId(line, body.breakpoints[index]?.id, file);
      });
      if (!this.collided(parts)) return;
    }
  }

  private mapId(line: MergedLine, id: number | undefined, file: FileState): void {
    if (id === undefined) return;
    const client = line.parts.find((part) => file.client.includes(part));
    this.ids.set(id, client ? (this.clientIds.get(client.id) ?? id) : null);
  }

  private learn(file: FileState, part: Part, result: Result | undefined, isClients: boolean): void {
    if (!result) return;
    file.results.set(part.id, result);
    if (result.line !== undefined) part.actualLine = result.line;
    if (isClients) {
      if (result.id !== undefined && !this.clientIds.has(part.id)) this.clientIds.set(part.id, result.id);
      return;
    }
    const { remote } = part as ProgramPart;
    remote.verified = result.verified;
    remote.line = result.line ?? remote.line;
    if (result.message) remote.message = result.message;
  }

  /** Two parts turned out to be on one line: debugpy moves a breakpoint on an empty line to the next statement. */
  private collided(parts: readonly Part[]): boolean {
    const requested = new Map<number, number>();
    for (const part of parts) {
      const actual = part.actualLine ?? part.line;
      const seen = requested.get(actual);
      if (seen !== undefined && seen !== part.line) return true;
      requested.set(actual, part.line);
    }
    return false;
  }

  private numberOf(file: FileState, line: number): number {
    let number = file.numbers.get(line);
    if (number === undefined) {
      number = this.nextNumber++;
      file.numbers.set(line, number);
    }
    return number;
  }

  private async define(lines: readonly MergedLine[], forget: string[]): Promise<void> {
    const asked = lines.filter((line) => line.number !== undefined);
    // Without the probe nothing was counted there.
    if (asked.length === 0 && (forget.length === 0 || !this.context.probe.isLive)) return;
    const { errors } = await this.context.probe.request<{ errors: Record<string, string> }>(
      'break.define',
      { lines: asked.map(definition), forget },
      DEFINE_TIMEOUT_MS,
    );
    for (const [part, error] of Object.entries(errors ?? {})) this.context.log.warn(`breakpoint ${part}: ${error}`);
  }
}
