/**
 * The debug adapter: DAP in from any client, DAP out to real debugpy, the probe and the health model beside it.
 *
 * No `vscode` here. The extension wraps one instance per debug session, the CLI drives one without an editor.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { HealthModel } from '../health';
import { ProbeLink, type ProbePayload, readPayload } from '../probe';
import type { ProbeStatus } from '../shared/panel';
import type { AsyncHealthOptions } from '../shared/settings';
import { AttachByPid } from './AttachByPid';
import { ConfigurationResolver } from './ConfigurationResolver';
import { CustomRequests } from './CustomRequests';
import type { Discovery } from './config/interpreter';
import type { AdapterContext } from './context';
import { DapProxy } from './DapProxy';
import { DebugClient } from './DebugClient';
import type { DebugpyServer } from './DebugpyServer';
import type { Interceptor } from './interceptors';
import { type Log, NO_LOG, prefixed } from './log';
import { mergeOptions } from './options';
import { ProbeSupervisor } from './ProbeSupervisor';
import { RemoteDebugger } from './remote/RemoteDebugger';
import { type SessionSnapshot, SessionState } from './SessionState';
import { taskInterceptors } from './tasks';
import { attachTarget, type Configuration, openUpstream, type Upstream } from './upstream';

export type { Discovery } from './config/interpreter';
export type { AdapterContext } from './context';
export { DebugClient } from './DebugClient';
export { DebugpyServer } from './DebugpyServer';
export { ConnectionClosed, errorText, RequestFailed, RequestTimeout, UserError } from './errors';
export type { Interceptor, Next } from './interceptors';
export type { Log } from './log';
export { DebugSession, type SessionInfo } from './remote/DebugSession';
export { RemoteDebugger } from './remote/RemoteDebugger';
export type { SessionSnapshot } from './SessionState';
export { KEPT_EVENT } from './tasks/AwaitConsole';
export type { Configuration, Upstream } from './upstream';

/** How long debugpy may take to let go of a program at the end, ms. */
const LEAVE_MS = 1_000;

export interface AdapterOptions {
  /**
   * The session's configuration when it is known before the first message (VS Code): `launch` and `attach` are then resolved as the
   * Python Debugger does it. Without it debugpy is started at `initialize`, arguments pass unchanged, and an `attach` with `connect`
   * moves the session to the debugpy that listens there.
   */
  configuration?: Configuration;
  /** debugpy to use instead of the one that would be started. */
  upstream?: Upstream;
  discovery?: Discovery;
  /** Settings below the configuration's own `asyncHealth` block. */
  defaults?: Partial<AsyncHealthOptions>;
  /** Folder of the probe's Python package; default: the built one. */
  probeFolder?: string;
  log?: Log;
}

export class AsyncDebugAdapter implements AdapterContext {
  readonly log: Log;
  readonly remote: RemoteDebugger;
  readonly health: HealthModel;
  readonly probe: ProbeLink;
  options: AsyncHealthOptions;
  configuration: Configuration;
  clientCapabilities: DebugProtocol.InitializeRequestArguments = { adapterID: '' };

  private readonly proxy: DapProxy;
  private readonly supervisor: ProbeSupervisor;
  private readonly interceptors: Interceptor[];
  private readonly state = new SessionState();
  private readonly sendListeners = new Set<(message: DebugProtocol.ProtocolMessage) => void>();
  private readonly changeListeners = new Set<() => void>();
  private server: DebugpyServer | undefined;
  private serverClient: DebugClient | undefined;
  private opening: Promise<void> | undefined;
  private clientLeft = false;
  /** Why there is no connection. */
  private openError: Error | undefined;
  private initializeRequest: DebugProtocol.Request | undefined;
  private disposing: Promise<void> | undefined;
  private markEnded!: () => void;
  /** Resolves when the client has asked for the end and debugpy has gone; never rejects. */
  readonly ended = new Promise<void>((resolve) => {
    this.markEnded = resolve;
  });

  constructor(private readonly setup: AdapterOptions = {}) {
    this.log = setup.log ?? NO_LOG;
    this.configuration = setup.configuration ?? {};
    this.options = this.merged();
    this.health = new HealthModel({ thresholds: this.options.thresholds });
    this.remote = new RemoteDebugger(prefixed(this.log, 'remote'));
    this.probe = new ProbeLink((text) => this.log.warn(`probe: ${text}`));
    this.supervisor = new ProbeSupervisor(
      this,
      this.probe,
      () => this.payload(),
      () => this.proxy.hold(),
    );
    this.interceptors = [this.supervisor];
    if (setup.configuration) {
      const keep = (configuration: Configuration) => {
        this.configuration = configuration;
      };
      this.interceptors.push(new ConfigurationResolver(setup.discovery ?? {}, keep, this.log));
    }
    this.interceptors.push(new AttachByPid(), ...this.plugIns());
    this.proxy = new DapProxy(
      (message) => this.send(message),
      this.interceptors,
      this.log,
      () => this.whyClosed(),
    );
    this.probe.onBatch((batch) => this.health.ingest(batch));
    this.probe.onStatus(() => {
      this.log.info(`probe ${this.probe.status}${this.probe.message ? `: ${this.probe.message}` : ''}`);
      if (this.probe.status === 'ended' || this.probe.status === 'lost') this.health.end();
      this.changed();
    });
  }

  // --- for the client's side ---------------------------------------------------------------------------------------

  /** Connects to debugpy now rather than with the client's first message: debugpy has something to say before it is asked. Never throws. */
  start(): void {
    this.opening ??= this.open();
  }

  /** A message of the DAP client. Never throws. */
  handleMessage(message: DebugProtocol.ProtocolMessage): void {
    if (this.disposing) return;
    if (message.type === 'request') this.observe(message as DebugProtocol.Request);
    this.proxy.fromClient(message);
  }

  /** Messages for the DAP client. Returns the unsubscriber. */
  onSend(listener: (message: DebugProtocol.ProtocolMessage) => void): () => void {
    this.sendListeners.add(listener);
    return () => this.sendListeners.delete(listener);
  }

  /** Ends the session: what was launched ends, what was attached to goes on. Safe to call twice; never throws. */
  dispose(): Promise<void> {
    this.disposing ??= this.shutDown();
    return this.disposing;
  }

  // --- for panel, trees, CLI ---------------------------------------------------------------------------------------

  /** Called when {@link session} or the probe's status changed. */
  onDidChange(listener: () => void): () => void {
    this.changeListeners.add(listener);
    return () => this.changeListeners.delete(listener);
  }

  /** What is known of the debuggee. */
  get session(): SessionSnapshot & { probe: ProbeStatus; probeMessage?: string } {
    const snapshot = { ...this.state.snapshot(), probe: this.probe.status };
    return this.probe.message === undefined ? snapshot : { ...snapshot, probeMessage: this.probe.message };
  }

  // --- for interceptors (AdapterContext) -----------------------------------------------------------------------------

  get client(): DebugClient {
    if (!this.serverClient) throw new Error('The session has no connection to debugpy yet.');
    return this.serverClient;
  }

  sendEvent(event: string, body?: unknown): void {
    this.proxy.sendEvent(event, body);
  }

  request<T = unknown>(command: string, args?: unknown): Promise<T> {
    return this.proxy.request<T>(command, args);
  }

  // --- inside --------------------------------------------------------------------------------------------------------

  private plugIns(): Interceptor[] {
    try {
      return [...taskInterceptors(this), new CustomRequests(this)];
    } catch (error) {
      this.log.error('Task features could not be set up; debugging goes on without them', error);
      return [new CustomRequests(this)];
    }
  }

  /** Looks at requests before they take their way: start of the session, its configuration, its end. */
  private observe(request: DebugProtocol.Request): void {
    switch (request.command) {
      case 'initialize':
        this.initializeRequest = request;
        this.clientCapabilities = (request.arguments ?? { adapterID: '' }) as DebugProtocol.InitializeRequestArguments;
        break;
      case 'launch':
      case 'attach':
        this.configuration = { ...this.setup.configuration, ...(request.arguments as Configuration | undefined) };
        this.options = this.merged();
        this.health.thresholds = this.options.thresholds;
        this.state.starting(request.command, this.configuration);
        if (request.command === 'attach') this.moveToTarget();
        break;
      case 'disconnect':
        this.clientLeft = true;
        this.state.ending();
        this.supervisor.cancel();
        // With debugpy gone already the answer comes from us; the session is over with it.
        if (this.server && !this.serverClient?.isOpen) setImmediate(() => this.markEnded());
        break;
      case 'terminate':
        this.state.ending();
        this.supervisor.cancel();
        break;
    }
    this.start();
  }

  private open(): Promise<void> {
    const release = this.proxy.hold();
    const discovery = this.setup.discovery ?? {};
    return openUpstream(this.setup.configuration, this.setup.upstream, discovery, prefixed(this.log, 'debugpy'))
      .then((server) => this.adopt(server))
      .catch((error) => {
        this.log.error('No connection to debugpy', error);
        this.openError = error instanceof Error ? error : new Error(String(error));
      })
      .finally(release);
  }

  private adopt(server: DebugpyServer): void {
    if (this.disposing) {
      void server.dispose();
      return;
    }
    const client = new DebugClient(server.connection, prefixed(this.log, 'dap'));
    this.server = server;
    this.serverClient = client;
    client.onEvent((event) => {
      if (this.serverClient === client && this.state.observe(event)) this.changed();
    });
    this.proxy.attach(client);
    this.remote.bind(client, (command, args) => this.proxy.request(command, args));
    client.onClose(() => {
      if (this.serverClient === client) void this.connectionEnded();
    });
  }

  /**
   * `attach` with `connect` or `processId` over a debugpy that we started before we could know (plain DAP clients say `initialize` first): connects to
   * the one that listens there (or that is started for it), introduces the client to it, and goes on with that.
   */
  private moveToTarget(): void {
    if (this.setup.configuration || this.setup.upstream) return;
    const release = this.proxy.hold();
    const discovery = this.setup.discovery ?? {};
    const before = this.opening ?? Promise.resolve();
    this.opening = before
      .then(async () => {
        const configuration: Configuration = { ...this.configuration, request: 'attach' };
        if (!attachTarget(configuration) && configuration.processId === undefined) return;
        const old = this.server;
        this.serverClient = undefined;
        this.proxy.attach(undefined);
        const server = await openUpstream(configuration, undefined, discovery, prefixed(this.log, 'debugpy')).finally(() => old?.dispose());
        this.adopt(server);
        await this.client.request('initialize', this.initializeRequest?.arguments, { timeoutMs: 10_000 });
      })
      .catch((error) => {
        this.openError = error instanceof Error ? error : new Error(String(error));
      })
      .finally(release);
  }

  private payload(): ProbePayload {
    return readPayload(this.setup.probeFolder);
  }

  private merged(): AsyncHealthOptions {
    const { options, problems } = mergeOptions(this.setup.defaults, this.configuration.asyncHealth);
    for (const problem of problems) this.log.warn(`launch configuration: ${problem}`);
    return options;
  }

  private async whyClosed(): Promise<Error> {
    return this.openError ?? (await this.server?.failure()) ?? new Error('There is no connection to debugpy.');
  }

  /** debugpy's adapter is gone. When nobody asked for that, the client is told what happened and that the session is over. */
  private async connectionEnded(): Promise<void> {
    const expected = this.state.isEnding || this.disposing !== undefined;
    this.probe.setStatus(
      expected ? 'ended' : 'lost',
      expected ? undefined : 'The connection to debugpy has ended. Start the session again.',
    );
    if (!expected) {
      const error = await this.whyClosed();
      this.log.error('debugpy ended unexpectedly', error);
      this.sendEvent('output', { category: 'important', output: `${error.message}\n` });
      this.sendEvent('terminated');
    }
    if (this.state.ended()) this.changed();
    // A client that did not ask for it still wants to say `disconnect`.
    if (this.clientLeft) this.markEnded();
  }

  private send(message: DebugProtocol.ProtocolMessage): void {
    if (this.state.sent(message)) this.changed();
    for (const listener of this.sendListeners) {
      try {
        listener(message);
      } catch (error) {
        this.log.error('The DAP client could not take a message', error);
      }
    }
  }

  private changed(): void {
    for (const listener of this.changeListeners) {
      try {
        listener();
      } catch (error) {
        this.log.error('A listener failed', error);
      }
    }
  }

  /**
   * A client that goes without a word, as a window that closes: debugpy is told all the same. Losing a connection over which answers
   * are still to come ends its own adapter, and nobody could attach again.
   */
  private async leave(): Promise<void> {
    if (this.clientLeft || this.configuration.request !== 'attach' || !this.serverClient?.isOpen) return;
    await this.serverClient.request('disconnect', { terminateDebuggee: false }, { timeoutMs: LEAVE_MS }).catch(() => {});
  }

  private async shutDown(): Promise<void> {
    this.state.ending();
    this.supervisor.cancel();
    for (const interceptor of this.interceptors) {
      try {
        interceptor.dispose?.();
      } catch (error) {
        this.log.error(`${interceptor.name} did not clean up`, error);
      }
    }
    this.probe.end();
    this.probe.dispose();
    this.proxy.end();
    const server = this.server;
    await this.leave();
    await server?.dispose().catch((error) => this.log.error('debugpy did not end', error));
    await this.remote.dispose().catch((error) => this.log.error('sessions did not close', error));
    this.state.ended();
    this.changed();
    this.markEnded();
  }
}
