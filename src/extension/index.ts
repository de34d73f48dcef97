/**
 * Everything that knows VS Code. Each file registers one thing; the registry of processes is what they share.
 * In: VS Code's API, the adapter, the model. Out: what the user sees. Nothing below this folder imports `vscode`.
 */
import * as vscode from 'vscode';
import type { RemoteDebugger } from '../adapter';
import { registerCommands } from './commands';
import { registerConfiguration } from './configuration';
import { registerDebugpyTracker } from './debugpyTracker';
import { registerDiagnostics } from './diagnostics';
import { registerAdapterFactory } from './inlineAdapter';
import { registerKeptAwaits } from './keptAwaits';
import { registerLibraryTasks } from './libraryTasks';
import { createLog } from './log';
import { registerNotifications } from './notifications';
import { type PanelHost, registerPanel } from './panel';
import { registerRecordings } from './recording';
import { ProcessRegistry } from './registry';
import { DEBUG_TYPE, editorSetting } from './settings';
import { startOnOpen } from './startOnOpen';
import { registerStatusBar } from './statusBar';
import { registerTree } from './tree';

/** For the in-host test suite and for other extensions: what is being debugged, and what was found. */
export interface AsyncHealthApi {
  readonly registry: ProcessRegistry;
  readonly panel: PanelHost;
  /** The debugger of a session (default: the active one) for code: breakpoints, evaluate, pause, named sessions. */
  remoteDebugger(sessionId?: string): RemoteDebugger | undefined;
  log(): string[];
}

let endSessions: (() => Promise<void>) | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<AsyncHealthApi> {
  const log = createLog();
  const registry = new ProcessRegistry();
  context.subscriptions.push(log, registry);
  log.info(
    `Async Health ${(context.extension.packageJSON as { version: string }).version} on VS Code ${vscode.version}, Node ${process.version}`,
  );

  registerConfiguration(context, log);
  endSessions = registerAdapterFactory(context, registry, log);
  registerDebugpyTracker(context, registry, log);
  const panel = registerPanel(context, registry, log);
  registerCommands(context, registry, panel, log);
  registerTree(context, registry, log);
  registerDiagnostics(context, registry);
  registerStatusBar(context, registry);
  registerNotifications(context, registry, panel, log);
  registerLibraryTasks(context, registry, log);
  registerKeptAwaits(context, log);
  context.subscriptions.push(
    vscode.debug.onDidStartDebugSession((session) => {
      if (session.type === DEBUG_TYPE && editorSetting('openPanelOnStart') === 'onStart') panel.showUnasked();
    }),
  );
  await registerRecordings(context, registry, log).catch((error) => log.error('Nothing will be recorded', error));
  void vscode.commands.executeCommand('setContext', 'asyncHealth.activated', true);
  startOnOpen(panel, log).catch((error) => log.error('asyncHealth.startOnOpen', error));
  const remoteDebugger = (id = vscode.debug.activeDebugSession?.id) => registry.get(id)?.source.remote;
  return { registry, panel, remoteDebugger, log: () => log.recent() };
}

/** The window closes: VS Code waits some seconds for this, so that no program and no debugpy stays behind. */
export function deactivate(): Promise<void> | undefined {
  return endSessions?.();
}
