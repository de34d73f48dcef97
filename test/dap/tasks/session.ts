/** A debug session for tests: the real adapter in this process, real debugpy, a Python program with `# @name` markers. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join, resolve } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { AsyncDebugAdapter, type Log } from '../../../src/adapter';

type Body = Record<string, any>;

/** An interpreter with debugpy, anyio and trio. */
export interface Python {
  /** `3.12` */
  version: string;
  command: string;
}

let found: Python[] | undefined;

/** `3.12`; a build without the GIL is `3.14t`. */
const ASK_VERSION = `
import debugpy, anyio, trio, sys, sysconfig
print("%d.%d" % sys.version_info[:2] + ("t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""))`;

/** The interpreters to test on: `ASYNC_HEALTH_PYTHONS` (paths, `:`-separated), else the project's `.venv` and those in `.venvs`, oldest first. */
export function pythons(): Python[] {
  if (found) return found;
  const root = projectRoot();
  const inside = process.platform === 'win32' ? ['Scripts', 'python.exe'] : ['bin', 'python'];
  const others = join(root, '.venvs');
  const candidates = process.env.ASYNC_HEALTH_PYTHONS?.split(delimiter).filter(Boolean) ?? [
    join(root, '.venv', ...inside),
    ...(existsSync(others) ? readdirSync(others).map((name) => join(others, name, ...inside)) : []),
  ];
  found = [];
  for (const command of candidates) {
    if (!existsSync(command)) continue;
    try {
      const version = execFileSync(command, ['-c', ASK_VERSION], {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim();
      if (!found.some((python) => python.version === version)) found.push({ version, command });
    } catch {
      // no debugpy there
    }
  }
  assert.ok(found.length > 0, 'No Python with debugpy, anyio and trio: run scripts/setup.mjs, or set ASYNC_HEALTH_PYTHONS.');
  found.sort((a, b) => minor(a.version) - minor(b.version) || a.version.length - b.version.length);
  return found;
}

/** `3.14t` → 14 */
export function minor(version: string): number {
  return Number.parseInt(version.split('.')[1] ?? '', 10);
}

/** The oldest and the newest of them and, where both tracing backends meet, 3.11 and 3.12: for suites that differ less by version. */
export function fewPythons(): Python[] {
  const all = pythons();
  if (process.env.ASYNC_HEALTH_PYTHONS) return all;
  return all.filter(({ version }, index) => index === 0 || index === all.length - 1 || version === '3.11' || version === '3.12');
}

/** Whether a package can be imported there (uvloop is not everywhere). */
export function has(python: Python, name: string): boolean {
  try {
    execFileSync(python.command, ['-c', `import ${name}`], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export function projectRoot(): string {
  let folder = process.cwd();
  while (!existsSync(join(folder, 'package.json'))) {
    assert.notEqual(folder, resolve(folder, '..'), 'run the tests inside the project');
    folder = resolve(folder, '..');
  }
  return folder;
}

export function program(name: string): string {
  return join(projectRoot(), 'test', 'dap', 'tasks', 'programs', name);
}

/** Line (1-based) of the marker `# @name` in a file. */
export function marker(file: string, name: string): number {
  const index = readFileSync(file, 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(`# @${name}`) && !line.includes(`# @${name}-`));
  assert.ok(index >= 0, `${file} has no marker @${name}`);
  return index + 1;
}

export interface LaunchOptions {
  python: Python;
  program: string;
  args?: string[];
  /** Markers at which to stop. */
  breakpoints?: (string | (Omit<DebugProtocol.SourceBreakpoint, 'line'> & { marker: string }))[];
  filters?: string[] | DebugProtocol.ExceptionFilterOptions[];
  configuration?: Body;
  env?: Record<string, string>;
}

export class TestSession {
  readonly adapter: AsyncDebugAdapter;
  readonly events: DebugProtocol.Event[] = [];
  readonly log: string[] = [];
  output = '';
  private seq = 1;
  private readonly sent = new Map<string, number>();
  private readonly pending = new Map<number, (response: DebugProtocol.Response) => void>();
  private readonly waiting = new Set<{ test: (event: DebugProtocol.Event) => boolean; resolve: (event: DebugProtocol.Event) => void }>();
  private cursor = 0;
  breakpointBodies: Body[] = [];
  initializeBody: Body = {};

  constructor(python: Python, setup: { probeFolder?: string } = {}) {
    const write = (level: string) => (text: string, error?: unknown) => {
      this.log.push(`${level} ${text}${error ? ` ${error instanceof Error ? error.stack : error}` : ''}`);
    };
    const log: Log = {
      trace: () => {},
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
    } as unknown as Log;
    this.adapter = new AsyncDebugAdapter({ log, configuration: { request: 'launch', python: [python.command] }, ...setup });
    this.adapter.onSend((message) => this.receive(message));
  }

  /** Launches, sets breakpoints, and lets the program run. */
  static async launch(options: LaunchOptions): Promise<TestSession> {
    const session = new TestSession(options.python);
    await session.start(options);
    return session;
  }

  async start(options: LaunchOptions): Promise<void> {
    this.initializeBody = await this.request('initialize', {
      adapterID: 'python-async',
      pathFormat: 'path',
      linesStartAt1: true,
      columnsStartAt1: true,
      supportsInvalidatedEvent: true,
      supportsVariableType: true,
    });
    const launched = this.request('launch', {
      name: 'test',
      type: 'python-async',
      request: 'launch',
      program: options.program,
      args: options.args ?? [],
      python: [options.python.command],
      console: 'internalConsole',
      justMyCode: true,
      env: { PYTHONDONTWRITEBYTECODE: '1', ...options.env },
      ...options.configuration,
    });
    launched.catch(() => {});
    await Promise.race([this.event('initialized', 20_000), launched.then(() => this.event('initialized', 20_000))]);
    if (options.breakpoints) await this.setBreakpoints(options.program, options.breakpoints);
    const filters = options.filters ?? [];
    const plain = filters.filter((filter): filter is string => typeof filter === 'string');
    const rich = filters.filter((filter): filter is DebugProtocol.ExceptionFilterOptions => typeof filter !== 'string');
    await this.request('setExceptionBreakpoints', { filters: plain, ...(rich.length ? { filterOptions: rich } : {}) });
    await this.request('configurationDone', {});
    await launched;
  }

  async setBreakpoints(file: string, breakpoints: NonNullable<LaunchOptions['breakpoints']>): Promise<Body> {
    const list = breakpoints.map((entry) => {
      if (typeof entry === 'string') return { line: marker(file, entry) };
      const { marker: name, ...rest } = entry;
      return { ...rest, line: marker(file, name) };
    });
    const body = await this.request('setBreakpoints', { source: { path: file }, breakpoints: list });
    this.breakpointBodies = body.breakpoints;
    return body;
  }

  /** Sends a request; the body of its response. @throws Error with the response's message */
  async request(command: string, args?: unknown, timeoutMs = 20_000): Promise<any> {
    const response = await this.raw(command, args, timeoutMs);
    if (!response.success) throw new Error(response.message ?? `${command} failed`);
    return response.body;
  }

  /** Number of the newest request with that command. */
  lastSeq(command: string): number {
    return this.sent.get(command) ?? 0;
  }

  raw(command: string, args?: unknown, timeoutMs = 20_000): Promise<DebugProtocol.Response> {
    const seq = this.seq++;
    this.sent.set(command, seq);
    return new Promise((resolvePromise, reject) => {
      const timer = setTimeout(() => reject(new Error(`no answer to ${command}\n${this.tail()}`)), timeoutMs);
      this.pending.set(seq, (response) => {
        clearTimeout(timer);
        resolvePromise(response);
      });
      this.adapter.handleMessage({ seq, type: 'request', command, arguments: args } as DebugProtocol.Request);
    });
  }

  /** Next event of that kind that was not waited for before. */
  event(name: string, timeoutMs = 15_000, test: (body: any) => boolean = () => true): Promise<any> {
    const matches = (event: DebugProtocol.Event) => event.event === name && test(event.body);
    for (let index = this.cursor; index < this.events.length; index++) {
      if (matches(this.events[index]!)) {
        this.cursor = index + 1;
        return Promise.resolve(this.events[index]!.body);
      }
    }
    return new Promise((resolvePromise, reject) => {
      const timer = setTimeout(() => reject(new Error(`no "${name}" within ${timeoutMs} ms\n${this.tail()}`)), timeoutMs);
      const entry = {
        test: matches,
        resolve: (event: DebugProtocol.Event) => {
          clearTimeout(timer);
          this.cursor = this.events.length;
          resolvePromise(event.body);
        },
      };
      this.waiting.add(entry);
    });
  }

  /** Waits for the next stop; `{ body, frame, task }` with the leaf frame. */
  async stopped(timeoutMs = 15_000): Promise<{ threadId: number; reason: string; line: number; name: string; frames: Body[]; body: Body }> {
    const body = await this.event('stopped', timeoutMs);
    const { stackFrames } = await this.request('stackTrace', { threadId: body.threadId });
    const top = stackFrames[0] ?? { line: 0, name: '' };
    return { threadId: body.threadId, reason: body.reason, line: top.line, name: top.name, frames: stackFrames, body };
  }

  async step(command: 'next' | 'stepIn' | 'stepOut' | 'continue', threadId: number, timeoutMs = 15_000) {
    await this.request(command, { threadId });
    return this.stopped(timeoutMs);
  }

  async threads(): Promise<{ id: number; name: string }[]> {
    return (await this.request('threads')).threads;
  }

  /** Frame names with lines, leaf first: `leaf:12`; labels as they are. */
  async stack(threadId: number): Promise<string[]> {
    const body = await this.request('stackTrace', { threadId });
    assert.equal(body.totalFrames, body.stackFrames.length, 'totalFrames must be exact');
    return body.stackFrames.map((frame: Body) => (frame.presentationHint === 'label' ? frame.name : `${frame.name}:${frame.line}`));
  }

  async evaluate(expression: string, frameId?: number, context = 'watch'): Promise<string> {
    return (await this.request('evaluate', { expression, context, ...(frameId === undefined ? {} : { frameId }) })).result;
  }

  async end(): Promise<void> {
    try {
      await this.raw('disconnect', { terminateDebuggee: true }, 3_000);
    } catch {
      // the connection may be gone
    }
    await this.adapter.dispose();
  }

  tail(): string {
    const events = this.events.slice(-12).map((event) => JSON.stringify({ [event.event]: event.body }).slice(0, 300));
    return ['--- last events', ...events, '--- log', ...this.log.slice(-12), '--- output', this.output.slice(-1500)].join('\n');
  }

  private receive(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === 'response') {
      const response = message as DebugProtocol.Response;
      const settle = this.pending.get(response.request_seq);
      this.pending.delete(response.request_seq);
      settle?.(response);
      return;
    }
    if (message.type === 'request') {
      const request = message as DebugProtocol.Request;
      this.adapter.handleMessage({
        seq: this.seq++,
        type: 'response',
        request_seq: request.seq,
        command: request.command,
        success: false,
      } as never);
      return;
    }
    const event = message as DebugProtocol.Event;
    this.events.push(event);
    if (event.event === 'output' && event.body?.category !== 'telemetry') this.output += event.body?.output ?? '';
    for (const entry of [...this.waiting]) {
      if (!entry.test(event)) continue;
      this.waiting.delete(entry);
      entry.resolve(event);
      break;
    }
  }
}
