/**
 * `asyncHealth.startOnOpen`: a window that opens with a debug session and the panel already there. For demonstrations and `npm start`;
 * the setting names a launch configuration, so nothing runs that the workspace does not define, and an untrusted workspace never
 * activates this extension.
 */
import * as vscode from 'vscode';
import type { Log } from '../adapter';
import type { PanelHost } from './panel';
import { editorSetting } from './settings';

export async function startOnOpen(panel: PanelHost, log: Log): Promise<void> {
  const name = editorSetting('startOnOpen');
  const folder = vscode.workspace.workspaceFolders?.[0];
  if (!name || !folder || vscode.debug.activeDebugSession) return;
  log.info(`starting "${name}" because asyncHealth.startOnOpen says so`);
  const started = await vscode.debug.startDebugging(folder, name);
  if (started) panel.show({ preserveFocus: true });
  else log.warn(`"${name}" could not be started; is it in .vscode/launch.json?`);
}
