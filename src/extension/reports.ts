/** Saving what was seen: report, recording, diagnostic log. */
import { arch, platform, release } from 'node:os';
import * as vscode from 'vscode';
import { renderReport } from '../health';
import type { ExtensionLog } from './log';
import type { HealthProcess, ProcessRegistry } from './registry';
import { optionsFromSettings, SECTION } from './settings';

export type ReportFormat = 'json' | 'markdown' | 'html';

const FILTERS: Record<ReportFormat, { suffix: string; filter: Record<string, string[]> }> = {
  html: { suffix: 'html', filter: { 'HTML, self-contained': ['html'] } },
  markdown: { suffix: 'md', filter: { Markdown: ['md'] } },
  json: { suffix: 'json', filter: { 'JSON, as the CLI writes it': ['json'] } },
};

function defaultUri(process: HealthProcess | undefined, name: string): vscode.Uri | undefined {
  const folder = process?.session.workspaceFolder ?? vscode.workspace.workspaceFolders?.[0];
  return folder && vscode.Uri.joinPath(folder.uri, name);
}

/** @returns where it went, nothing when the user gave up */
async function write(uri: vscode.Uri | undefined, text: string): Promise<string | undefined> {
  if (!uri) return undefined;
  await vscode.workspace.fs.writeFile(uri, Buffer.from(text, 'utf8'));
  const open = 'Open';
  vscode.window.showInformationMessage(`Saved ${vscode.workspace.asRelativePath(uri)}`, open).then((choice) => {
    if (choice === open) void vscode.commands.executeCommand('vscode.open', uri);
  });
  return `Saved ${uri.fsPath}`;
}

function programOf(process: HealthProcess): string {
  const { program, module, name } = process.session.configuration;
  return String(program ?? module ?? name);
}

export async function saveReport(process: HealthProcess, format: ReportFormat): Promise<string | undefined> {
  const report = process.source.health.report({ program: programOf(process) });
  const text = renderReport(report, format);
  const { suffix, filter } = FILTERS[format];
  const uri = await vscode.window.showSaveDialog({ defaultUri: defaultUri(process, `async-health-report.${suffix}`), filters: filter });
  return write(uri, text);
}

export async function pickFormat(): Promise<ReportFormat | undefined> {
  const items: (vscode.QuickPickItem & { format: ReportFormat })[] = [
    { label: 'HTML', description: 'one file, for reading and sending', format: 'html' },
    { label: 'Markdown', description: 'for issues and chats', format: 'markdown' },
    { label: 'JSON', description: 'for tools; the same as the CLI writes', format: 'json' },
  ];
  return (await vscode.window.showQuickPick(items, { placeHolder: 'Format of the report' }))?.format;
}

/** The stream of events, for a replay: `node dist/cli.js replay FILE`. */
export async function saveRecording(process: HealthProcess): Promise<string | undefined> {
  const { recording } = process;
  if (!recording) throw new Error('Nothing was recorded: the probe never was in this program.');
  const uri = await vscode.window.showSaveDialog({
    defaultUri: defaultUri(process, 'async-health-recording.jsonl'),
    filters: { 'Recording (JSON lines)': ['jsonl'] },
  });
  if (!uri) return undefined;
  await recording.copyTo(uri.fsPath);
  return `Saved ${uri.fsPath}${recording.truncated ? ' (cut off: it had grown too large)' : ''}`;
}

/** All that a bug report needs, in one text file: versions, settings, sessions, the last lines of the log. No source, no environment values. */
export async function saveDiagnosticLog(context: vscode.ExtensionContext, registry: ProcessRegistry, log: ExtensionLog): Promise<void> {
  const version = (context.extension.packageJSON as { version: string }).version;
  const others = ['ms-python.python', 'ms-python.debugpy'].map((id) => {
    const found = vscode.extensions.getExtension(id);
    return `${id} ${found ? (found.packageJSON as { version?: string }).version : 'not installed'}`;
  });
  const sections: [string, unknown][] = [
    [
      'Versions',
      [
        `Async Health ${version}`,
        `VS Code ${vscode.version} (${vscode.env.appHost})`,
        `Node ${process.version}`,
        `${platform()} ${release()} ${arch()}`,
        ...others,
      ],
    ],
    ['Settings', { ...vscode.workspace.getConfiguration(SECTION), ...optionsFromSettings() }],
    ['Sessions', registry.processes.map(describe)],
    ['Log', log.recent()],
  ];
  const text = sections
    .map(([title, body]) => {
      const lines = Array.isArray(body) && body.every((line) => typeof line === 'string') ? body.join('\n') : JSON.stringify(body, null, 2);
      return `=== ${title} ===\n${lines}\n`;
    })
    .join('\n');
  const uri = await vscode.window.showSaveDialog({
    defaultUri: defaultUri(undefined, 'async-health-diagnostics.txt'),
    filters: { Text: ['txt'] },
  });
  await write(uri, text);
}

function describe(process: HealthProcess): Record<string, unknown> {
  const { health, probe } = process.source;
  const { python, libraries, dropped, counts } = health.overview();
  const { env, ...configuration } = process.session.configuration;
  return {
    ...process.info(),
    startedAt: process.startedAt.toISOString(),
    configuration: { ...configuration, env: env ? Object.keys(env) : undefined },
    python,
    libraries,
    dropped,
    counts,
    link: probe.counters,
    debug: process.source.statistics(),
    findings: process.findings().map((finding) => `${finding.severity} ${finding.code}: ${finding.message}`),
  };
}
