/** Findings as squiggles and rows in Problems, with the other places as related information. */
import * as vscode from 'vscode';
import type { Finding, Severity } from '../shared/findings';
import type { HealthProcess, ProcessRegistry } from './registry';
import { editorSetting, onSettingChange } from './settings';
import { positionOf, sourceUri } from './sources';

/** Findings change in bursts; the editor is told at most this often, ms. */
const PAUSE_MS = 200;

const SEVERITIES: Record<Severity, vscode.DiagnosticSeverity> = {
  error: vscode.DiagnosticSeverity.Error,
  warning: vscode.DiagnosticSeverity.Warning,
  info: vscode.DiagnosticSeverity.Information,
};

/**
 * They stay after the program has ended, so that it can be repaired, and go when the same program starts again, when its process is
 * forgotten, or when their file is edited: then the lines no longer say what was meant.
 */
export function registerDiagnostics(context: vscode.ExtensionContext, registry: ProcessRegistry): void {
  const collection = vscode.languages.createDiagnosticCollection('asyncHealth');
  /** Files whose findings are out of date, with the moment of the edit. */
  const edited = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;

  const publish = () => {
    timer = undefined;
    const byFile = new Map<string, { uri: vscode.Uri; diagnostics: Map<string, vscode.Diagnostic> }>();
    const processes = editorSetting('showProblems') ? current(registry.processes) : [];
    for (const process of processes) {
      for (const finding of process.findings()) {
        if (finding.resolved && finding.severity === 'info') continue;
        const entry = toDiagnostic(finding, process);
        if (!entry) continue;
        const key = entry.uri.toString();
        if ((edited.get(key) ?? 0) > process.startedAt.getTime()) continue;
        const file = byFile.get(key) ?? { uri: entry.uri, diagnostics: new Map() };
        byFile.set(key, file);
        // The same mistake on one line, in several processes or tasks, is one row.
        file.diagnostics.set(`${finding.code}:${finding.location!.line}`, entry.diagnostic);
      }
    }
    collection.forEach((uri) => {
      if (!byFile.has(uri.toString())) collection.delete(uri);
    });
    for (const { uri, diagnostics } of byFile.values()) collection.set(uri, [...diagnostics.values()]);
  };
  const later = () => {
    timer ??= setTimeout(publish, PAUSE_MS);
  };

  context.subscriptions.push(
    collection,
    registry.onDidChange(later),
    registry.onFinding(later),
    onSettingChange('showProblems', later),
    vscode.workspace.onDidChangeTextDocument((event) => {
      if (event.contentChanges.length === 0 || !collection.has(event.document.uri)) return;
      edited.set(event.document.uri.toString(), Date.now());
      later();
    }),
    new vscode.Disposable(() => clearTimeout(timer)),
  );
}

/** A new run of a program replaces what the last run of it said. */
function current(processes: readonly HealthProcess[]): HealthProcess[] {
  const newestEnded = new Map<string, HealthProcess>();
  const live = processes.filter((process) => !process.ended);
  const running = new Set(live.map((process) => process.session.name));
  for (const process of processes) {
    if (process.ended && !running.has(process.session.name)) newestEnded.set(process.session.name, process);
  }
  return [...newestEnded.values(), ...live];
}

function toDiagnostic(finding: Finding, process: HealthProcess): { uri: vscode.Uri; diagnostic: vscode.Diagnostic } | undefined {
  const { configuration } = process.session;
  if (!finding.location) return undefined;
  const uri = sourceUri(finding.location.file, configuration);
  if (!uri) return undefined;
  const diagnostic = new vscode.Diagnostic(
    wholeLine(uri, positionOf(finding.location)),
    `${finding.message}${finding.count > 1 ? ` (${finding.count}×)` : ''}\n${finding.advice}`,
    SEVERITIES[finding.severity],
  );
  diagnostic.source = 'Async Health';
  diagnostic.code = finding.code;
  diagnostic.relatedInformation = finding.related.flatMap((related) => {
    const other = sourceUri(related.file, configuration);
    if (!other) return [];
    const label = `${related.label}${related.task ? ` (${related.task.name})` : ''} in ${related.function}`;
    return [new vscode.DiagnosticRelatedInformation(new vscode.Location(other, positionOf(related)), label)];
  });
  return { uri, diagnostic };
}

/** From the first letter to the end where the document is open; the editor widens an empty range to a word otherwise. */
function wholeLine(uri: vscode.Uri, range: vscode.Range): vscode.Range {
  const document = vscode.workspace.textDocuments.find((one) => one.uri.toString() === uri.toString());
  if (!document || range.start.line >= document.lineCount) return range;
  const line = document.lineAt(range.start.line);
  return new vscode.Range(line.lineNumber, line.firstNonWhitespaceCharacterIndex, line.lineNumber, line.range.end.character);
}
