/** What the in-host tests share: the extension's API, the fixture workspace, debug sessions whose DAP messages are kept. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import * as vscode from 'vscode';
import type { RemoteDebugger } from '../../src/adapter';
import type { AsyncHealthApi } from '../../src/extension';
import type { HealthProcess } from '../../src/extension/registry';
import type { Finding, FindingCode } from '../../src/shared/findings';
import type { TaskRow } from '../../src/shared/rows';

/** Long, because two cores may be shared with a browser, a build and other suites; a passing test never waits for it. */
export const PATIENCE_MS = 30_000;

export const python = process.env.ASYNC_HEALTH_PYTHON ?? 'python3';

export function folder(): vscode.WorkspaceFolder {
  const first = vscode.workspace.workspaceFolders?.[0];
  assert.ok(first, 'the suite needs its workspace open');
  return first;
}

export const fileIn = (name: string) => join(folder().uri.fsPath, name);

export async function extension(): Promise<AsyncHealthApi> {
  const found = vscode.extensions.getExtension<AsyncHealthApi>('async-health.async-health');
  assert.ok(found, 'the extension is loaded');
  return found.activate();
}

/** 1-based line of the marker `# @name` in a program. */
export function marker(name: string, tag: string): number {
  const index = readFileSync(fileIn(name), 'utf8')
    .split('\n')
    .findIndex((line) => line.includes(`# @${tag}`));
  assert.ok(index >= 0, `${name} has no marker @${tag}`);
  return index + 1;
}

/** Polls until `probe` gives something truthy. @throws with `what` and the log's end when it never does */
export async function until<T>(
  what: string,
  probe: () => T | undefined | false | null | Promise<T | undefined | false | null>,
  ms = PATIENCE_MS,
): Promise<T> {
  const end = Date.now() + ms;
  for (;;) {
    const value = await probe();
    if (value) return value;
    if (Date.now() > end) {
      const { log } = await extension();
      throw new Error(`Not within ${ms} ms: ${what}\nThe log's end:\n${log().slice(-25).join('\n')}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export interface Seen {
  session: vscode.DebugSession;
  sent: DebugProtocol.ProtocolMessage[];
  received: DebugProtocol.ProtocolMessage[];
  ended: boolean;
}

/** Every session since the suite began, newest last. */
const seen: Seen[] = [];
let tracking: vscode.Disposable | undefined;

export function track(): void {
  if (tracking) return;
  tracking = vscode.Disposable.from(
    vscode.debug.registerDebugAdapterTrackerFactory('*', {
      createDebugAdapterTracker(session) {
        const entry: Seen = { session, sent: [], received: [], ended: false };
        seen.push(entry);
        return {
          onDidSendMessage: (message) => void entry.sent.push(message),
          onWillReceiveMessage: (message) => void entry.received.push(message),
        };
      },
    }),
    vscode.debug.onDidTerminateDebugSession((session) => {
      for (const entry of seen) if (entry.session.id === session.id) entry.ended = true;
    }),
  );
}

export function events<T extends DebugProtocol.Event>(entry: Seen, name: string): T[] {
  return entry.sent.filter((message): message is T => message.type === 'event' && (message as DebugProtocol.Event).event === name);
}

export const output = (entry: Seen) =>
  events<DebugProtocol.OutputEvent>(entry, 'output')
    .filter(({ body }) => body.category !== 'telemetry')
    .map(({ body }) => body.output)
    .join('');

/** Starts a session and waits until its adapter talks. `configuration` is completed with our type and interpreter. */
export async function start(configuration: Partial<vscode.DebugConfiguration>): Promise<Seen> {
  track();
  const before = seen.length;
  const full: vscode.DebugConfiguration = {
    type: 'python-async',
    request: 'launch',
    name: `test ${before}`,
    console: 'internalConsole',
    ...configuration,
  };
  if (full.request === 'launch' && !('python' in configuration)) full.python = python;
  const started = await vscode.debug.startDebugging(folder(), full);
  assert.ok(started, 'VS Code started the session');
  return seen[before]!;
}

/** The newest session that began after `count` others. */
export async function nextSession(count: number): Promise<Seen> {
  return until('another session', () => seen[count]);
}
export const seenSince = (count: number) => seen.slice(count);
export const sessionCount = () => seen.length;

export function stopped(entry: Seen, nth = 1): Promise<DebugProtocol.StoppedEvent> {
  return until(`stop number ${nth} of "${entry.session.name}"`, () => events<DebugProtocol.StoppedEvent>(entry, 'stopped')[nth - 1]);
}

export function ended(entry: Seen): Promise<true> {
  return until(`the end of "${entry.session.name}"`, () => (entry.ended ? (true as const) : undefined));
}

export async function processOf(entry: Seen): Promise<HealthProcess> {
  const { registry } = await extension();
  return until('the process in the registry', () => registry.get(entry.session.id));
}

export async function live(entry: Seen): Promise<HealthProcess> {
  const process = await processOf(entry);
  await until('a live probe', () => {
    const { status, message } = process.source.probe;
    if (status === 'failed') throw new Error(`the probe failed: ${message}`);
    return status === 'live' || status === 'ended';
  });
  return process;
}

/** The debugger of a session as an API. */
export async function remoteOf(entry: Seen): Promise<RemoteDebugger> {
  const remote = (await extension()).remoteDebugger(entry.session.id);
  assert.ok(remote, 'a session of ours has a RemoteDebugger');
  return remote;
}

export async function finding(entry: Seen, code: FindingCode): Promise<Finding> {
  const process = await processOf(entry);
  return until(`a finding ${code}`, () => process.findings().find((one) => one.code === code));
}

export async function topFrame(entry: Seen, threadId: number): Promise<DebugProtocol.StackFrame> {
  const { stackFrames } = await entry.session.customRequest('stackTrace', { threadId, startFrame: 0, levels: 20 });
  return stackFrames[0];
}

/** What the program awaits with: every point about tasks holds on all of them. */
export const LIBRARIES = ['asyncio', 'uvloop', 'anyio', 'anyio-trio', 'trio'] as const;

export async function evaluate(entry: Seen, expression: string, frameId?: number, context = 'watch'): Promise<string> {
  return (await entry.session.customRequest('evaluate', { expression, context, frameId })).result;
}

/** The frame that the editor has focused, once it has caught up with the newest stop. */
export async function place(entry: Seen): Promise<{ threadId: number; frameId: number; line: number; name: string }> {
  const { threadId } = events<DebugProtocol.StoppedEvent>(entry, 'stopped').at(-1)!.body;
  return until('the focused frame', async () => {
    const item = vscode.debug.activeStackItem;
    if (!(item instanceof vscode.DebugStackFrame) || item.session.id !== entry.session.id || item.threadId !== threadId) return undefined;
    const frame = await topFrame(entry, threadId!);
    return frame.id === item.frameId ? { threadId, frameId: frame.id, line: frame.line, name: frame.name } : undefined;
  });
}

/** A step through the editor's command, and where it led. */
export async function step(entry: Seen, command: 'stepOver' | 'stepInto' | 'stepOut' | 'continue') {
  await place(entry);
  const before = events(entry, 'stopped').length;
  await vscode.commands.executeCommand(`workbench.action.debug.${command}`);
  await stopped(entry, before + 1);
  return place(entry);
}

/** Ends everything and clears breakpoints and what ended; each test starts clean. */
export async function reset(): Promise<void> {
  await vscode.debug.stopDebugging();
  const { registry } = await extension();
  // VS Code tells of no end where a session never got as far as its adapter's first answer.
  const over = ({ ended, session }: Seen) => ended || registry.get(session.id)?.ended !== false;
  await until('the end of all sessions', () => seen.every(over) && registry.live.length === 0);
  vscode.debug.removeBreakpoints(vscode.debug.breakpoints);
  registry.clearEnded();
  await vscode.commands.executeCommand('workbench.action.closeAllEditors');
}

export function breakAt(
  name: string,
  tag: string,
  options: { condition?: string; hitCondition?: string; logMessage?: string } = {},
): vscode.SourceBreakpoint {
  const position = new vscode.Position(marker(name, tag) - 1, 0);
  const location = new vscode.Location(vscode.Uri.file(fileIn(name)), position);
  const breakpoint = new vscode.SourceBreakpoint(location, true, options.condition, options.hitCondition, options.logMessage);
  vscode.debug.addBreakpoints([breakpoint]);
  return breakpoint;
}

export const taskRows = (process: HealthProcess) =>
  process.source.health
    .window('tasks', { offset: 0, limit: 50 })
    .rows.filter((row): row is TaskRow => 'kind' in row && row.kind === 'task');

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

/** Adapter processes etc. may outlive the session by a moment. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
