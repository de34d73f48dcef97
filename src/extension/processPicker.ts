/** Choosing a running Python process to attach to. Used by `${command:pickProcess}` and by "Attach to Process…". */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import * as vscode from 'vscode';
import { DEBUG_TYPE } from './settings';

const run = promisify(execFile);
const LIST_TIMEOUT_MS = 10_000;

export interface RunningProcess {
  pid: number;
  name: string;
  command: string;
}

/** @throws Error when the system's own tool fails */
export async function listProcesses(): Promise<RunningProcess[]> {
  const options = { timeout: LIST_TIMEOUT_MS, maxBuffer: 16 * 1024 * 1024, windowsHide: true };
  if (process.platform === 'win32') {
    const script = 'Get-CimInstance Win32_Process | Select-Object ProcessId,Name,CommandLine | ConvertTo-Json -Compress';
    const { stdout } = await run('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', script], options);
    const rows = JSON.parse(stdout) as { ProcessId: number; Name: string; CommandLine: string | null }[];
    return rows.map((row) => ({ pid: row.ProcessId, name: row.Name, command: row.CommandLine ?? row.Name }));
  }
  const { stdout } = await run('ps', ['-A', '-ww', '-o', 'pid=,comm=,args='], options);
  return parsePs(stdout);
}

/** Lines of `ps -o pid=,comm=,args=`. A command's name may hold spaces, so the name is taken from the arguments' first word. */
export function parsePs(output: string): RunningProcess[] {
  return output.split('\n').flatMap((line) => {
    const match = /^\s*(\d+)\s+(\S+)\s+(.*)$/.exec(line);
    if (!match) return [];
    return [{ pid: Number(match[1]), name: match[2]!.split('/').pop()!, command: match[3]!.trim() }];
  });
}

const looksLikePython = ({ name, command }: RunningProcess) =>
  /python|uvicorn|gunicorn|hypercorn|pypy/i.test(`${name} ${command.split(/\s/)[0]}`);

/** What a Python command line runs, shortly: `server.py`, `-m uvicorn`; empty when that can't be told. */
export function whatRuns(command: string): string {
  const [, ...words] = command.split(/\s+/);
  for (let index = 0; index < words.length; index++) {
    const word = words[index]!;
    if (word === '-m') return `-m ${words[index + 1] ?? ''}`;
    if (word === '-c') return '-c …';
    if (word === '-X' || word === '-W') index += 1;
    else if (!word.startsWith('-')) return word.split(/[\\/]/).pop()!;
  }
  return '';
}

/** Python processes first, newest first; debugpy's own and this editor's are left out. */
export async function pickProcess(): Promise<string | undefined> {
  const items = listProcesses().then((all) => {
    const others = all.filter((one) => one.pid !== process.pid && !/debugpy[\\/.]+(adapter|launcher)/.test(one.command));
    const pythons = others.filter(looksLikePython).sort((a, b) => b.pid - a.pid);
    const item = ({ pid, name, command }: RunningProcess) => ({
      label: [name, whatRuns(command)].filter(Boolean).join(' '),
      description: String(pid),
      detail: command,
      pid,
    });
    if (pythons.length > 0) return pythons.map(item);
    return others.sort((a, b) => b.pid - a.pid).map(item);
  });
  const options = { placeHolder: 'Python process to attach to', matchOnDescription: true, matchOnDetail: true };
  const choice = await vscode.window.showQuickPick(items, options);
  return choice && String(choice.pid);
}

export async function attachToProcess(): Promise<void> {
  const pid = await pickProcess();
  if (!pid) return;
  await vscode.debug.startDebugging(vscode.workspace.workspaceFolders?.[0], {
    name: `Python: Async: process ${pid}`,
    type: DEBUG_TYPE,
    request: 'attach',
    processId: Number(pid),
  });
}
