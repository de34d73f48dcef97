/** Actions on one task, from Call Stack, the tree, the panel or the palette: which task is meant, and what to ask of the adapter. */
import * as vscode from 'vscode';
import type { SourceLocation } from '../shared/findings';
import type { TaskRow } from '../shared/rows';
import type { HealthProcess, ProcessRegistry } from './registry';
import { openLocation, shortLocation } from './sources';

/** A task by the address that the probe knows, or by the thread that Call Stack shows for it. */
export interface TaskTarget {
  process: HealthProcess;
  address?: number;
  threadId?: number;
  name?: string;
}

/** Tasks offered for choosing. */
const MOST_OFFERED = 500;

export const targetOfRow = (process: HealthProcess, row: TaskRow): TaskTarget => ({ process, address: row.address, name: row.name });

/**
 * What a command was called on. VS Code passes the thread's id and `{sessionId, threadId}` from Call Stack's menu, our tree its
 * node; from the palette nothing comes, then the focused thread counts, else the user is asked.
 */
export async function resolveTarget(registry: ProcessRegistry, args: unknown[]): Promise<TaskTarget | undefined> {
  const [first, second] = args as [unknown, { sessionId?: string } | undefined];
  const node = first as { type?: string; process?: HealthProcess; row?: TaskRow } | undefined;
  if (node?.type === 'task' && node.process && node.row) return targetOfRow(node.process, node.row);
  if (typeof first === 'number') {
    const process = registry.get(second?.sessionId ?? vscode.debug.activeDebugSession?.id);
    if (!process) throw new Error('Async Health does not watch this session; see the setting "asyncHealth.instrumentPythonDebugger".');
    return { process, threadId: first };
  }
  return pickTask(registry);
}

async function pickTask(registry: ProcessRegistry): Promise<TaskTarget | undefined> {
  const process = registry.selected;
  if (!process || process.ended) {
    vscode.window.showInformationMessage('No program is being debugged with Async Health.');
    return undefined;
  }
  const { rows, total } = process.source.health.window('tasks', { offset: 0, limit: MOST_OFFERED });
  const items = rows.flatMap((row) => {
    if (!('kind' in row) || row.kind !== 'task') return [];
    return [
      { label: row.name, description: `${row.coroutine} · ${row.state}`, detail: describeWait(row), target: targetOfRow(process, row) },
    ];
  });
  const placeHolder = total > items.length ? `Which task? (${items.length} of ${total}; the panel has them all)` : 'Which task?';
  return (await vscode.window.showQuickPick(items, { placeHolder, matchOnDescription: true, matchOnDetail: true }))?.target;
}

function describeWait(row: TaskRow): string | undefined {
  const parts = [row.waitsFor && `awaits ${row.waitsFor}`, row.waitsAt && shortLocation(row.waitsAt)].filter(Boolean);
  return parts.length > 0 ? parts.join(' · ') : undefined;
}

function send({ process, address, threadId }: TaskTarget, command: string, more?: Record<string, unknown>): Promise<unknown> {
  return process.source.request(`asyncHealth/${command}`, { ...(address === undefined ? { threadId } : { task: address }), ...more });
}

/** What Call Stack calls the task: its entry's name up to what it waits for. */
async function nameOfThread({ process, threadId }: TaskTarget): Promise<string | undefined> {
  const { threads } = await process.session.customRequest('threads');
  const thread = (threads as { id: number; name: string }[]).find(({ id }) => id === threadId);
  return thread?.name.split(' · ')[0];
}

/** Asks first: a cancelled task cannot be brought back. */
export async function confirmAndCancelTask(target: TaskTarget): Promise<string | undefined> {
  const name = target.name ?? (await nameOfThread(target)) ?? 'this task';
  const detail = 'It gets a CancelledError at the place where it waits, as by task.cancel(). This cannot be undone.';
  // VS Code's own "Cancel" beside "Cancel Task" would leave open which is which.
  const cancel = { title: 'Cancel Task', isCloseAffordance: false };
  const keep = { title: 'Keep It Running', isCloseAffordance: true };
  const answer = await vscode.window.showWarningMessage(`Cancel ${name}?`, { modal: true, detail }, cancel, keep);
  if (answer !== cancel) return undefined;
  await send(target, 'cancelTask');
  return `${name === 'this task' ? 'The task' : name} was asked to cancel`;
}

export async function breakOnResume(target: TaskTarget): Promise<string | undefined> {
  await send(target, 'breakOnResume');
  return `The program will stop when ${target.name ?? 'the task'} runs again`;
}

export async function runUntilResume(target: TaskTarget): Promise<string | undefined> {
  await send(target, 'runUntilResume');
  return undefined;
}

/** Opens the place where the task was created: the model knows it, or the adapter is asked. */
export async function revealCreation(target: TaskTarget): Promise<string | undefined> {
  const { process, address } = target;
  const known = address === undefined ? undefined : rowByAddress(process, address)?.createdAt;
  const location = known ?? asLocation(await send(target, 'revealCreation', { quiet: true }));
  if (!location) throw new Error('Where this task was created was not recorded. Set "asyncHealth.detail" to "full" and start again.');
  await openLocation(location, process.session.configuration);
  return undefined;
}

function rowByAddress(process: HealthProcess, address: number): TaskRow | undefined {
  const { rows } = process.source.health.window('tasks', { offset: 0, limit: Number.MAX_SAFE_INTEGER, includeEnded: true });
  return rows.find((row): row is TaskRow => 'kind' in row && row.kind === 'task' && row.address === address);
}

/** The adapter answers with the place itself, or with a `location` and more. */
function asLocation(answer: unknown): SourceLocation | undefined {
  const body = answer as (Partial<SourceLocation> & { location?: Partial<SourceLocation> }) | undefined;
  const place = body?.location ?? body;
  if (typeof place?.file !== 'string' || typeof place.line !== 'number') return undefined;
  return { file: place.file, line: place.line, function: place.function ?? '' };
}
