/** From a place in the program to a place in the editor. */
import { existsSync } from 'node:fs';
import { isAbsolute, join, posix, win32 } from 'node:path';
import * as vscode from 'vscode';
import type { SourceLocation } from '../shared/findings';

interface PathMapping {
  localRoot: string;
  remoteRoot: string;
}

/**
 * The file as this machine has it: the program may run in a container or on another machine, so `pathMappings` of its
 * configuration apply, first match first, as debugpy applies them.
 */
export function localPath(file: string, configuration?: vscode.DebugConfiguration): string {
  const mappings: unknown = configuration?.pathMappings;
  if (!Array.isArray(mappings)) return file;
  for (const { localRoot, remoteRoot } of mappings as PathMapping[]) {
    if (typeof localRoot !== 'string' || typeof remoteRoot !== 'string' || !remoteRoot) continue;
    const remote = remoteRoot.replace(/[\\/]+$/, '');
    if (file !== remote && !file.startsWith(`${remote}/`) && !file.startsWith(`${remote}\\`)) continue;
    const rest = file.slice(remote.length).split(remote.includes('\\') ? win32.sep : posix.sep);
    return join(localRoot, ...rest);
  }
  return file;
}

/** Its URI, or undefined where there is no file to show (`<string>`, frozen modules, another machine without a mapping). */
export function sourceUri(file: string, configuration?: vscode.DebugConfiguration): vscode.Uri | undefined {
  const path = localPath(file, configuration);
  return isAbsolute(path) && existsSync(path) ? vscode.Uri.file(path) : undefined;
}

/** 0-based position of a location in an editor. */
export function positionOf(location: SourceLocation): vscode.Range {
  const line = Math.max(0, location.line - 1);
  return new vscode.Range(line, 0, line, 0);
}

/**
 * Opens a location beside the panel: in a column that shows text already when there is one.
 * @throws Error with the next step when there is no such file here
 */
export async function openLocation(
  location: SourceLocation,
  configuration?: vscode.DebugConfiguration,
  avoid?: vscode.ViewColumn,
): Promise<void> {
  const uri = sourceUri(location.file, configuration);
  if (!uri) {
    throw new Error(
      location.file.startsWith('<')
        ? `There is no file behind ${location.file}.`
        : `${location.file} is not on this machine. Set "pathMappings" in the launch configuration.`,
    );
  }
  const document = await vscode.workspace.openTextDocument(uri);
  const line = Math.min(Math.max(0, location.line - 1), document.lineCount - 1);
  const text = document.lineAt(line);
  // To the first letter only: revealing a whole long line would scroll the editor sideways.
  const start = new vscode.Position(line, text.firstNonWhitespaceCharacterIndex);
  const selection = new vscode.Range(start, start);
  const editor = await vscode.window.showTextDocument(document, { viewColumn: columnFor(uri, avoid), selection });
  editor.revealRange(selection, vscode.TextEditorRevealType.InCenterIfOutsideViewport);
  flash(editor, new vscode.Range(line, 0, line, text.range.end.character));
}

function columnFor(uri: vscode.Uri, avoid: vscode.ViewColumn | undefined): vscode.ViewColumn {
  const editors = vscode.window.visibleTextEditors.filter((editor) => editor.viewColumn !== undefined && editor.viewColumn !== avoid);
  const showing = editors.find((editor) => editor.document.uri.toString() === uri.toString()) ?? editors[0];
  if (showing?.viewColumn) return showing.viewColumn;
  if (avoid === undefined) return vscode.ViewColumn.Active;
  return avoid > vscode.ViewColumn.One ? vscode.ViewColumn.One : vscode.ViewColumn.Beside;
}

const FLASH_MS = 1_200;
const flashed = vscode.window.createTextEditorDecorationType({
  isWholeLine: true,
  backgroundColor: new vscode.ThemeColor('editor.rangeHighlightBackground'),
  border: '1px solid',
  borderColor: new vscode.ThemeColor('editor.rangeHighlightBorder'),
});

function flash(editor: vscode.TextEditor, range: vscode.Range): void {
  editor.setDecorations(flashed, [range]);
  setTimeout(() => editor.setDecorations(flashed, []), FLASH_MS);
}

/** `orders.py:41` */
export function shortLocation(location: SourceLocation): string {
  return `${location.file.split(/[\\/]/).pop()}:${location.line}`;
}
