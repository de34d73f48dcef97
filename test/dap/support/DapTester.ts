/**
 * A small DAP client for tests: sends requests, keeps everything it receives in order, waits for events.
 * The other side is the adapter in this process, a stock debugpy, or any command that speaks DAP on stdio.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type AdapterOptions, AsyncDebugAdapter, DebugpyServer } from '../../../src/adapter';

type Message = DebugProtocol.ProtocolMessage;

export interface Endpoint {
  send(message: Message): void;
  onMessage(listener: (message: Message) => void): void;
  onClose(listener: () => void): void;
  dispose(): Promise<void>;
}

export class DapTester {
  /** All messages received, oldest first. */
  readonly received: Message[] = [];
  closed = false;
  /** Answers reverse requests; default refuses. */
  onReverse: (request: DebugProtocol.Request) => Promise<unknown> | unknown = (request) => {
    throw new Error(`no ${request.command} here`);
  };
  /** Called for each event, as it comes. */
  // biome-ignore lint/suspicious/noExplicitAny: see request
  onEvent: (event: DebugProtocol.Event & { body: any }) => void = () => {};
  private seq = 1;
  private readonly pending = new Map<number, (response: DebugProtocol.Response) => void>();
  private readonly waiters = new Set<() => void>();

  constructor(readonly endpoint: Endpoint) {
    endpoint.onMessage((message) => this.receive(message));
    endpoint.onClose(() => {
      this.closed = true;
      for (const wake of [...this.waiters]) wake();
    });
  }

  /** The response, failed or not. */
  ask(command: string, args?: unknown, timeoutMs = 20_000): Promise<DebugProtocol.Response> {
    const seq = this.seq++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no response to ${command} within ${timeoutMs} ms; ${this.tail()}`)), timeoutMs);
      this.pending.set(seq, (response) => {
        clearTimeout(timer);
        resolve(response);
      });
      this.endpoint.send({ seq, type: 'request', command, ...(args === undefined ? {} : { arguments: args }) } as DebugProtocol.Request);
    });
  }

  /** The response's body; a failed one is an error. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into many shapes of bodies
  async request(command: string, args?: unknown, timeoutMs?: number): Promise<any> {
    const response = await this.ask(command, args, timeoutMs);
    if (!response.success) throw new Error(`${command} failed: ${JSON.stringify(response)}`);
    return response.body;
  }

  /** First event from `from` on (index into `received`) that fits; waits for it. */
  event(
    name: string,
    // biome-ignore lint/suspicious/noExplicitAny: see request
    fits: (body: any) => boolean = () => true,
    from = 0,
    timeoutMs = 20_000,
    // biome-ignore lint/suspicious/noExplicitAny: see request
  ): Promise<DebugProtocol.Event & { body: any }> {
    const find = () =>
      this.received
        .slice(from)
        .find((m) => m.type === 'event' && (m as DebugProtocol.Event).event === name && fits((m as DebugProtocol.Event).body));
    return this.until(find, `event ${name}`, timeoutMs) as Promise<DebugProtocol.Event & { body: unknown }>;
  }

  /** Waits until `find` gives something, looked at after each message. */
  until<T>(find: () => T | undefined, what: string, timeoutMs = 20_000): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = find();
        if (found === undefined && !this.closed) return;
        this.waiters.delete(look);
        clearTimeout(timer);
        if (found !== undefined) resolve(found);
        else reject(new Error(`the connection ended before ${what}; ${this.tail()}`));
      };
      const timer = setTimeout(() => {
        this.waiters.delete(look);
        reject(new Error(`no ${what} within ${timeoutMs} ms; ${this.tail()}`));
      }, timeoutMs);
      this.waiters.add(look);
      look();
    });
  }

  /** Resolves when the other side has ended the connection. */
  async whenClosed(timeoutMs = 20_000): Promise<void> {
    if (this.closed) return;
    await this.until(() => (this.closed ? true : undefined), 'the end of the connection', timeoutMs);
  }

  events(name?: string): DebugProtocol.Event[] {
    return this.received.filter(
      (m): m is DebugProtocol.Event => m.type === 'event' && (!name || (m as DebugProtocol.Event).event === name),
    );
  }

  /** Program output of one or all categories, joined. */
  output(category?: string): string {
    return this.events('output')
      .map((event) => event.body as DebugProtocol.OutputEvent['body'])
      .filter((body) => body.category !== 'telemetry' && (!category || body.category === category))
      .map((body) => body.output)
      .join('');
  }

  /** initialize → start request → `initialized` → `configure` → configurationDone. Resolves with the start request's response. */
  async start(
    request: 'launch' | 'attach',
    args: Record<string, unknown>,
    configure: () => Promise<unknown> = async () => {},
    capabilities: Partial<DebugProtocol.InitializeRequestArguments> = {},
  ): Promise<DebugProtocol.Response> {
    const initialize = await this.ask('initialize', { ...INITIALIZE, ...capabilities });
    if (!initialize.success) return initialize;
    const started = this.ask(request, args);
    const first = await Promise.race([started, this.event('initialized').catch(() => started)]);
    if (first.type === 'response') return first as DebugProtocol.Response;
    await configure();
    await this.ask('configurationDone');
    return started;
  }

  async dispose(): Promise<void> {
    this.closed = true;
    await this.endpoint.dispose();
  }

  /** Ends politely: disconnect (terminating), then the endpoint. */
  async stop(): Promise<void> {
    if (!this.closed) await this.ask('disconnect', { terminateDebuggee: true }, 5_000).catch(() => {});
    await this.dispose();
  }

  private receive(message: Message): void {
    this.received.push(message);
    if (message.type === 'response') {
      const response = message as DebugProtocol.Response;
      this.pending.get(response.request_seq)?.(response);
      this.pending.delete(response.request_seq);
    } else if (message.type === 'request') void this.answer(message as DebugProtocol.Request);
    if (message.type === 'event') this.onEvent(message as DebugProtocol.Event & { body: unknown });
    for (const wake of [...this.waiters]) wake();
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
      response.body = await this.onReverse(request);
    } catch (error) {
      response.success = false;
      response.message = String(error);
    }
    this.endpoint.send(response);
  }

  private tail(): string {
    return `last messages: ${this.received
      .slice(-8)
      .map((m) => JSON.stringify(m).slice(0, 300))
      .join('\n')}`;
  }
}

export const INITIALIZE: DebugProtocol.InitializeRequestArguments = {
  clientID: 'vscode',
  clientName: 'test',
  adapterID: 'python-async',
  pathFormat: 'path',
  linesStartAt1: true,
  columnsStartAt1: true,
  supportsVariableType: true,
  supportsVariablePaging: true,
  supportsRunInTerminalRequest: true,
  locale: 'en-us',
  supportsProgressReporting: true,
  supportsInvalidatedEvent: true,
  supportsMemoryReferences: true,
  supportsStartDebuggingRequest: false,
};

/**
 * The adapter, in this process. Messages are copied, so that neither side sees what the other does to its own; `handOver`: another
 * way (a benchmark's: as they are).
 */
export function inProcess(
  options: AdapterOptions,
  handOver: <T extends object>(message: T) => T = structuredClone,
): Endpoint & { adapter: AsyncDebugAdapter } {
  const adapter = new AsyncDebugAdapter(options);
  return {
    adapter,
    send: (message) => adapter.handleMessage(handOver(message)),
    onMessage: (listener) => void adapter.onSend((message) => listener(handOver(message))),
    onClose: () => {},
    dispose: () => adapter.dispose(),
  };
}

/** Any command that speaks DAP on stdio: stock debugpy (`python -m debugpy.adapter`), or `cli.js dap`. */
export function command(program: string, args: string[], env: NodeJS.ProcessEnv = process.env): Endpoint & { server: DebugpyServer } {
  const server = DebugpyServer.exec(program, args, { env });
  return overConnection(server);
}

export function overConnection(server: DebugpyServer): Endpoint & { server: DebugpyServer } {
  return {
    server,
    send: (message) => void server.connection.send(message),
    onMessage: (listener) => {
      server.connection.onMessage = listener;
    },
    onClose: (listener) => {
      server.connection.onClose = listener;
    },
    dispose: () => server.dispose(),
  };
}
