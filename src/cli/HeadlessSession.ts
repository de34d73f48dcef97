/**
 * A DAP client without an editor: starts one debuggee under an {@link AsyncDebugAdapter}, gives it the terminal it was started from,
 * attaches to the processes it starts, never stops at anything, and waits for the end.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type AdapterOptions, AsyncDebugAdapter, errorText, UserError } from '../adapter';

/** Between the end that debugpy reports and ours, at most, ms: the probe's last batch may still be on its way. */
const LAST_WORDS_MS = 500;
const DISCONNECT_MS = 5_000;

export interface HeadlessOptions {
  adapter: AdapterOptions;
  request: 'launch' | 'attach';
  configuration: Record<string, unknown>;
  /** The debuggee's processes, this one included, as they are made: to listen to their models and probes. */
  onSession?: (session: HeadlessSession) => void;
  /** Text for the user: debugpy's own messages, not the program's output. */
  onMessage?: (text: string) => void;
}

export class HeadlessSession {
  readonly adapter: AsyncDebugAdapter;
  readonly children: HeadlessSession[] = [];
  /** Resolves when the debuggee has ended; never rejects. */
  readonly ended: Promise<void>;
  private hasEnded!: () => void;
  private seq = 1;
  private readonly pending = new Map<number, (response: DebugProtocol.Response) => void>();
  private readonly initialized: Promise<void>;
  private onInitialized!: () => void;
  private terminal: ChildProcess | undefined;

  constructor(private readonly options: HeadlessOptions) {
    this.ended = new Promise((resolve) => {
      this.hasEnded = resolve;
    });
    this.initialized = new Promise((resolve) => {
      this.onInitialized = resolve;
    });
    this.adapter = new AsyncDebugAdapter({ ...options.adapter, configuration: options.configuration });
    this.adapter.onSend((message) => this.receive(message));
    options.onSession?.(this);
  }

  /** A process that the program started. */
  get isChild(): boolean {
    return this.options.request === 'attach';
  }

  /** Starts the debuggee. @throws UserError, Error when it can't be started */
  async start(): Promise<void> {
    await this.request('initialize', {
      clientID: 'async-health',
      adapterID: 'python-async',
      pathFormat: 'path',
      linesStartAt1: true,
      columnsStartAt1: true,
      supportsRunInTerminalRequest: true,
    });
    const started = this.request(this.options.request, this.options.configuration);
    await Promise.race([this.initialized, started]);
    this.request('configurationDone').catch(() => {}); // its failure is that of the start request
    await started;
  }

  /** Ends the debuggee and everything it started. */
  async stop(): Promise<void> {
    await Promise.race([
      this.request('disconnect', { terminateDebuggee: true }).catch(() => {}),
      new Promise((resolve) => setTimeout(resolve, DISCONNECT_MS)),
    ]);
    this.terminal?.kill('SIGTERM');
    this.hasEnded();
  }

  /** To be called after {@link ended}. */
  async dispose(): Promise<void> {
    await Promise.all(this.children.map((child) => child.dispose()));
    await this.adapter.dispose();
  }

  private request(command: string, args?: unknown): Promise<unknown> {
    const seq = this.seq++;
    return new Promise((resolve, reject) => {
      this.pending.set(seq, (response) => {
        if (response.success) resolve(response.body);
        else reject(new Error(errorText(response)));
      });
      const request: DebugProtocol.Request = { seq, type: 'request', command };
      if (args !== undefined) request.arguments = args;
      this.adapter.handleMessage(request);
    });
  }

  private receive(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === 'response') {
      const response = message as DebugProtocol.Response;
      const settle = this.pending.get(response.request_seq);
      this.pending.delete(response.request_seq);
      settle?.(response);
    } else if (message.type === 'event') this.receiveEvent(message as DebugProtocol.Event);
    else if (message.type === 'request') void this.answer(message as DebugProtocol.Request);
  }

  private receiveEvent(event: DebugProtocol.Event): void {
    const body = event.body as Record<string, unknown> | undefined;
    switch (event.event) {
      case 'initialized':
        this.onInitialized();
        break;
      case 'output':
        this.output(event as DebugProtocol.OutputEvent);
        break;
      case 'stopped': {
        // `breakpoint()` in the program: there is nobody who could look.
        this.options.onMessage?.(`the program stopped (${body?.reason}); it goes on, as there is no editor`);
        this.request('continue', { threadId: body?.threadId ?? 1 }).catch(() => {});
        break;
      }
      case 'debugpyAttach':
        this.attachChild(body ?? {});
        break;
      case 'terminated':
        void this.finish();
        break;
    }
  }

  private output({ body }: DebugProtocol.OutputEvent): void {
    if (body.category === 'stdout') process.stdout.write(body.output);
    else if (body.category === 'stderr') process.stderr.write(body.output);
    else if (body.category !== 'telemetry') this.options.onMessage?.(body.output.trimEnd());
  }

  private async answer(request: DebugProtocol.Request): Promise<void> {
    const response: DebugProtocol.Response = {
      seq: this.seq++,
      type: 'response',
      request_seq: request.seq,
      command: request.command,
      success: true,
    };
    try {
      if (request.command === 'runInTerminal') response.body = await this.runInTerminal(request.arguments);
      else throw new Error(`"${request.command}" is not supported without an editor.`);
    } catch (error) {
      response.success = false;
      response.message = error instanceof Error ? error.message : String(error);
    }
    this.adapter.handleMessage(response);
  }

  /** The program gets our own standard streams: its output is not touched, it can read input, and it sees the terminal if there is one. */
  private runInTerminal(args: DebugProtocol.RunInTerminalRequestArguments): Promise<DebugProtocol.RunInTerminalResponse['body']> {
    const [program, ...rest] = args.args;
    const env: NodeJS.ProcessEnv = { ...process.env };
    for (const [name, value] of Object.entries(args.env ?? {})) {
      if (value === null) delete env[name];
      else env[name] = value;
    }
    return new Promise((resolve, reject) => {
      const child = spawn(program!, rest, { cwd: args.cwd || undefined, env, stdio: 'inherit' });
      this.terminal = child;
      child.once('spawn', () => resolve({ processId: child.pid }));
      child.once('error', (error) =>
        reject(new UserError('no-python', `"${program}" can't be started: ${error.message}.`, 'Check --python.')),
      );
    });
  }

  private attachChild(configuration: Record<string, unknown>): void {
    const child = new HeadlessSession({ ...this.options, request: 'attach', configuration });
    this.children.push(child);
    child.start().catch((error: Error) => {
      // A child that has ended before we came is no fault.
      this.adapter.log.warn(`child process ${configuration.subProcessId}: ${error.message}`);
      child.hasEnded();
    });
  }

  private async finish(): Promise<void> {
    const { probe } = this.adapter;
    if (probe.status === 'live') {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LAST_WORDS_MS);
        const off = probe.onStatus(() => {
          if (probe.status === 'live') return;
          off();
          clearTimeout(timer);
          resolve();
        });
      });
    }
    this.hasEnded();
  }
}
