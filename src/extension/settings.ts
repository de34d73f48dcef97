/** The editor's settings (`asyncHealth.*`) as typed values. Their defaults in package.json agree with `DEFAULT_OPTIONS`; the host suite holds the two together. */
import * as vscode from 'vscode';
import { type AsyncHealthOptions, DEFAULT_OPTIONS, DEFAULT_THRESHOLDS } from '../shared/settings';

export const SECTION = 'asyncHealth';

/** Debug type of our own sessions. */
export const DEBUG_TYPE = 'python-async';

/** Settings of the editor side, which launch configurations cannot override. */
export interface EditorSettings {
  openPanelOnStart: 'never' | 'onStart' | 'onError';
  notifyOnError: boolean;
  showProblems: boolean;
  showStatusBar: boolean;
  showLibraryTasks: boolean;
  instrumentPythonDebugger: boolean;
  keepEndedProcesses: number;
  startOnOpen: string;
  trace: boolean;
}

export function editorSetting<K extends keyof EditorSettings>(key: K): EditorSettings[K] {
  return vscode.workspace.getConfiguration(SECTION).get(key) as EditorSettings[K];
}

/** The settings that a launch configuration may override, as they are for the folder that `scope` is in; unchecked. */
export function optionsFromSettings(scope?: vscode.ConfigurationScope | null): Record<string, unknown> {
  const settings = vscode.workspace.getConfiguration(SECTION, scope ?? null);
  const read = (keys: object, prefix = '') => Object.fromEntries(Object.keys(keys).map((key) => [key, settings.get(prefix + key)]));
  const { thresholds: _, ...plain }: AsyncHealthOptions = DEFAULT_OPTIONS;
  return { ...read(plain), thresholds: read(DEFAULT_THRESHOLDS, 'thresholds.') };
}

/** Calls back when a setting of ours changes. */
export function onSettingChange(key: keyof EditorSettings, callback: () => void): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration(`${SECTION}.${key}`)) callback();
  });
}
