/** One AsyncDebugAdapter per debug session, inside the extension host: VS Code's `DebugAdapter` around it. */
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as vscode from 'vscode';
import { AsyncDebugAdapter, type Discovery, type Log } from '../adapter';
import type { Detail } from '../shared/wire';
import { withAction } from './errorActions';
import { installedDebugpy, selectedInterpreter } from './interpreter';
import type { HealthSource, ProcessRegistry } from './registry';
import { DEBUG_TYPE, editorSetting, optionsFromSettings } from './settings';

/** Longest part of a message that the trace shows. */
const TRACED_CHARS = 1_000;

class InlineAdapter implements vscode.DebugAdapter {
  private readonly messages = new vscode.EventEmitter<vscode.DebugProtocolMessage>();
  readonly onDidSendMessage = this.messages.event;

  constructor(
    private readonly adapter: AsyncDebugAdapter,
    private readonly session: vscode.DebugSession,
    private readonly log: Log,
  ) {
    adapter.onSend((message) => {
      this.trace('←', message);
      this.messages.fire(withAction(message) as vscode.DebugProtocolMessage);
    });
  }

  handleMessage(message: vscode.DebugProtocolMessage): void {
    this.trace('→', message as DebugProtocol.ProtocolMessage);
    this.adapter.handleMessage(message as DebugProtocol.ProtocolMessage);
  }

  /** VS Code does not wait; a debuggee that was launched is ended by the adapter in its own time. */
  dispose(): void {
    this.adapter.dispose().then(() => this.messages.dispose());
  }

  private trace(arrow: string, message: DebugProtocol.ProtocolMessage): void {
    if (!editorSetting('trace')) return;
    const text = JSON.stringify(message);
    this.log.trace(
      `${this.session.name} ${arrow} ${text.length > TRACED_CHARS ? `${text.slice(0, TRACED_CHARS)}… (${text.length})` : text}`,
    );
  }
}

/** The registry's view of an adapter. */
class AdapterSource implements HealthSource {
  private chosenDetail: Detail | undefined;

  constructor(
    readonly adapter: AsyncDebugAdapter,
    private readonly session: vscode.DebugSession,
  ) {}

  get health() {
    return this.adapter.health;
  }
  get probe() {
    return this.adapter.probe;
  }
  get remote() {
    return this.adapter.remote;
  }
  get detail(): Detail {
    return this.chosenDetail ?? this.adapter.options.detail;
  }
  get exitCode(): number | undefined {
    const { exitCode, endedByClient } = this.adapter.session;
    return endedByClient ? undefined : exitCode;
  }
  statistics() {
    return this.adapter.remote.getStatistics();
  }
  async request(command: string, args: Record<string, unknown>): Promise<unknown> {
    const result = await this.session.customRequest(command, args);
    if (command === 'asyncHealth/setDetail') this.chosenDetail = args.detail as Detail;
    return result;
  }
}

async function discover(context: vscode.ExtensionContext, session: vscode.DebugSession, log: Log): Promise<Discovery> {
  const { workspaceFolder, configuration } = session;
  const given = configuration.python ?? configuration.pythonPath;
  const attachesToListener = configuration.request === 'attach' && (configuration.connect || configuration.port);
  // Asking other extensions may activate them: only when their answer is wanted.
  const python = given || attachesToListener ? undefined : await selectedInterpreter(workspaceFolder, log);
  const debugpyPath = configuration.debugAdapterPath || attachesToListener ? undefined : await installedDebugpy(log);
  return {
    workspaceFolder: workspaceFolder?.uri.fsPath,
    python,
    debugpyPath,
    bundledDebugpy: join(context.extensionPath, 'dist', 'debugpy'),
    logDir: context.logUri.fsPath,
    env: process.env,
  };
}

/** @returns ends all sessions and resolves when what they started has ended */
export function registerAdapterFactory(context: vscode.ExtensionContext, registry: ProcessRegistry, log: Log): () => Promise<void> {
  const adapters = new Set<AsyncDebugAdapter>();
  context.subscriptions.push(
    vscode.debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, {
      async createDebugAdapterDescriptor(session) {
        const adapter = new AsyncDebugAdapter({
          configuration: session.configuration,
          defaults: optionsFromSettings(session.workspaceFolder),
          discovery: await discover(context, session, log),
          probeFolder: join(context.extensionPath, 'dist', 'python', 'async_health'),
          log: log,
        });
        adapters.add(adapter);
        registry.add(session, new AdapterSource(adapter, session));
        adapter.onDidChange(() => registry.setState(session.id, adapter.session.state));
        const inline = new InlineAdapter(adapter, session, log);
        return new vscode.DebugAdapterInlineImplementation(inline);
      },
    }),
    vscode.debug.onDidTerminateDebugSession(() => {
      for (const adapter of adapters) if (adapter.session.state === 'ended') adapters.delete(adapter);
    }),
  );
  return async () => {
    await Promise.all([...adapters].map((adapter) => adapter.dispose()));
  };
}
