/** The log: VS Code's "Async Health" output channel, with the last lines kept for "Save Diagnostic Log". */
import * as vscode from 'vscode';
import type { Log } from '../adapter/log';
import { editorSetting } from './settings';

/** Lines kept in memory; about 1 MB at most. */
const KEPT_LINES = 4_000;
const LONGEST_LINE = 2_000;

export interface ExtensionLog extends Log, vscode.Disposable {
  show(): void;
  /** Oldest first, with time and level. */
  recent(): string[];
}

export function createLog(): ExtensionLog {
  const channel = vscode.window.createOutputChannel('Async Health', { log: true });
  const lines: string[] = [];
  const keep = (level: string, text: string) => {
    lines.push(`${new Date().toISOString()} [${level}] ${text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)}…` : text}`);
    if (lines.length > KEPT_LINES * 1.25) lines.splice(0, lines.length - KEPT_LINES);
  };
  return {
    trace(text) {
      // With the setting on, protocol messages show at the channel's usual level: nobody has to find "Set Log Level" first.
      if (editorSetting('trace')) {
        keep('trace', text);
        channel.info(text);
      } else channel.trace(text);
    },
    info(text) {
      keep('info', text);
      channel.info(text);
    },
    warn(text) {
      keep('warning', text);
      channel.warn(text);
    },
    error(text, error) {
      const detail = error === undefined ? text : `${text}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
      keep('error', detail);
      channel.error(detail);
    },
    show: () => channel.show(true),
    recent: () => lines.slice(-KEPT_LINES),
    dispose: () => channel.dispose(),
  };
}
