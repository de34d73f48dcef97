/**
 * The probe in sessions of the Python Debugger (type `debugpy`), when the user has switched that on: existing launch configurations
 * get the panel unchanged. Such a session's adapter is not ours, so the probe goes in by `customRequest('evaluate')` and its
 * events come through the tracker. Actions on tasks work, and `pause` stops an idle loop; what has to change debugpy's answers (tasks in
 * the Call Stack, stop on violation, `await` in the console) needs our adapter, and says so.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as vscode from 'vscode';
import type { Log } from '../adapter';
import { mergeOptions } from '../adapter/options';
import { HealthModel } from '../health';
import { bringIn, ProbeLink, readPayload } from '../probe';
import type { DebugStatistics } from '../shared/panel';
import type { AsyncHealthOptions } from '../shared/settings';
import { type Detail, PROBE_EVENT } from '../shared/wire';
import type { HealthSource, ProcessRegistry } from './registry';
import { editorSetting, optionsFromSettings } from './settings';

const GUEST_TYPE = 'debugpy';

/** Requests about one task that need the probe only, by its names for them. */
const TASK_METHODS: Record<string, string> = {
  'asyncHealth/cancelTask': 'tasks.cancel',
  'asyncHealth/breakOnResume': 'step.breakOnResume',
  'asyncHealth/runUntilResume': 'step.resume',
};

const RESUMING = new Set(['continue', 'next', 'stepIn', 'stepOut']);

/** Rejects after `ms`; the request itself cannot be taken back. */
function limited<T>(promise: Thenable<T>, ms: number, what: string): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`${what} took longer than ${ms} ms`)), ms);
    Promise.resolve(promise)
      .then(resolve, reject)
      .finally(() => clearTimeout(timer));
  });
}

class GuestSource implements HealthSource {
  readonly health: HealthModel;
  readonly probe: ProbeLink;
  detail: Detail;
  exitCode: number | undefined;
  readonly counters = { requests: 0, events: 0, errors: 0 };
  /** Thread of the newest stop, while it lasts. */
  private stoppedThread: number | undefined;
  private totalMs = 0;

  constructor(
    private readonly session: vscode.DebugSession,
    private readonly options: AsyncHealthOptions,
    private readonly log: Log,
    private readonly probeFolder: string,
  ) {
    this.detail = options.detail;
    this.health = new HealthModel({ thresholds: options.thresholds });
    this.probe = new ProbeLink((text) => log.warn(`probe: ${text}`));
    this.probe.onBatch((batch) => this.health.ingest(batch));
  }

  statistics(): DebugStatistics {
    const { requests } = this.counters;
    return { sessions: [], ...this.counters, meanRoundTripMs: requests > 0 ? this.totalMs / requests : 0 };
  }

  async request(command: string, args: Record<string, unknown>): Promise<unknown> {
    if (command === 'asyncHealth/setDetail') {
      const result = await this.probe.request('setDetail', args);
      this.detail = args.detail as Detail;
      return result;
    }
    if (command === 'asyncHealth/revealCreation') return { location: this.health.tasks.at(await this.task(args))?.creation?.frames[0] };
    const method = TASK_METHODS[command];
    if (method) {
      const result = await this.probe.request(method, { task: await this.task(args) });
      const threadId = this.stoppedThread;
      if (method === 'step.resume' && threadId !== undefined) await this.session.customRequest('continue', { threadId });
      return result;
    }
    throw new Error('This needs a session of type "python-async"; change "type" in the launch configuration.');
  }

  /** Looks at what the session's own client and adapter say. */
  observe(message: DebugProtocol.ProtocolMessage): void {
    const { event, body, command, success } = message as Partial<DebugProtocol.Event & DebugProtocol.Response>;
    if (event === 'stopped') this.stoppedThread = body?.threadId;
    else if (event === 'continued' || (command && RESUMING.has(command))) this.stoppedThread = undefined;
    else if (message.type === 'response' && command === 'pause' && success && this.probe.isLive) {
      // debugpy has marked the threads; a loop that idles runs no line at which it could stop.
      this.probe.request('stop.wake').catch((error) => this.log.warn(`an idle loop will stop at its next event only: ${error.message}`));
    }
  }

  /** The address that is meant: given, or of the task that runs in a stopped thread. */
  private async task({ task, threadId }: Record<string, unknown>): Promise<number> {
    if (typeof task === 'number') return task;
    const inside = await this.probe.request<{ task?: number }>('tasks.thread', { threadId });
    if (!inside.task) throw new Error('No task runs in this thread now. Choose one in the Async Health view or panel.');
    return inside.task;
  }

  /** Between `initialized` and the client's `configurationDone` VS Code cannot be held back, so the first lines may run before the probe is in. */
  async inject(attached: boolean): Promise<void> {
    this.probe.setStatus('starting');
    this.probe.connect(async (expression, timeoutMs) => (await this.evaluate(expression, timeoutMs)).result);
    const { detail, tickMs, thresholds, freezeTimeWhilePaused, injectTimeoutMs } = this.options;
    try {
      const probeOptions = { detail, tickMs, thresholds, freezeTimeWhilePaused, attached };
      const evaluate = async (expression: string) => (await this.evaluate(expression, injectTimeoutMs, 'repl')).result;
      await bringIn(readPayload(this.probeFolder), probeOptions, evaluate, { atOnce: true });
    } catch (error) {
      this.log.error(`The probe did not get into "${this.session.name}"`, error);
      this.probe.setStatus(
        'failed',
        `The probe did not get into the program; debugging goes on without it. ${error instanceof Error ? error.message : error}`,
      );
    }
  }

  private async evaluate(expression: string, timeoutMs: number, context?: string): Promise<DebugProtocol.EvaluateResponse['body']> {
    const began = performance.now();
    this.counters.requests += 1;
    try {
      return await limited(this.session.customRequest('evaluate', { expression, context }), timeoutMs, '"evaluate"');
    } catch (error) {
      this.counters.errors += 1;
      throw error;
    } finally {
      this.totalMs += performance.now() - began;
    }
  }
}

export function registerDebugpyTracker(context: vscode.ExtensionContext, registry: ProcessRegistry, log: Log): void {
  const probeFolder = vscode.Uri.joinPath(context.extensionUri, 'dist', 'python', 'async_health').fsPath;

  const track = (session: vscode.DebugSession): vscode.DebugAdapterTracker | undefined => {
    if (!editorSetting('instrumentPythonDebugger') || session.configuration.noDebug) return undefined;
    const { options, problems } = mergeOptions(optionsFromSettings(session.workspaceFolder), session.configuration.asyncHealth);
    for (const problem of problems) log.warn(`launch configuration: ${problem}`);
    if (!options.probe) return undefined;
    const source = new GuestSource(session, options, log, probeFolder);
    registry.add(session, source);
    let endedByClient = false;
    return {
      onDidSendMessage(message: DebugProtocol.ProtocolMessage) {
        source.observe(message);
        if (message.type !== 'event') return;
        const { event, body } = message as DebugProtocol.Event;
        source.counters.events += 1;
        if (event === PROBE_EVENT) source.probe.receive(body);
        else if (event === 'initialized') void source.inject(session.configuration.request === 'attach');
        else if (event === 'process') registry.setState(session.id, 'running');
        else if (event === 'stopped') registry.setState(session.id, 'paused');
        else if (event === 'continued') registry.setState(session.id, 'running');
        else if (event === 'exited' && !endedByClient) source.exitCode = (body as DebugProtocol.ExitedEvent['body']).exitCode;
        else if (event === 'terminated') source.probe.setStatus('ended');
      },
      onWillReceiveMessage(message: DebugProtocol.ProtocolMessage) {
        source.observe(message);
        const { command } = message as DebugProtocol.Request;
        if (command === 'disconnect' || command === 'terminate') endedByClient = true;
        if (RESUMING.has(command)) registry.setState(session.id, 'running');
      },
      onExit(code) {
        source.probe.setStatus('ended', code ? `The debug adapter ended with ${code}.` : undefined);
      },
      onWillStopSession() {
        source.probe.dispose();
        source.probe.setStatus('ended');
      },
    };
  };
  context.subscriptions.push(vscode.debug.registerDebugAdapterTrackerFactory(GUEST_TYPE, { createDebugAdapterTracker: track }));
}
