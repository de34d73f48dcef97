/** The editor's settings (`asyncHealth.*`) as typed values. Defaults live in package.json and agree with `DEFAULT_OPTIONS` (a test holds them together). */
import * as vscode from 'vscode';
import { type AsyncHealthOptions, DEFAULT_OPTIONS, type Thresholds } from '../shared/settings';

export const SECTION = 'asyncHealth';

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

/** The options that a launch configuration may override, for the folder that `scope` is in. */
export function optionsFromSettings(scope?: vscode.ConfigurationScope | null): AsyncHealthOptions {
  const settings = vscode.workspace.getConfiguration(SECTION, scope ?? null);
  const options = { ...DEFAULT_OPTIONS, thresholds: { ...DEFAULT_OPTIONS.thresholds } };
  const read = <T extends object>(target: T, prefix: string) => {
    for (const key of Object.keys(target) as (keyof T & string)[]) {
      if (typeof target[key] === 'object') continue;
      const value = settings.get(prefix + key);
      // A value of the wrong type (hand-edited settings.json) must not reach the probe.
      if (typeof value === typeof target[key]) target[key] = value as T[typeof key];
    }
  };
  read(options, '');
  read(options.thresholds, 'thresholds.');
  return options;
}

/** The `asyncHealth` block of a launch configuration over the settings. */
export function mergeOptions(base: AsyncHealthOptions, block: unknown): AsyncHealthOptions {
  if (typeof block !== 'object' || block === null) return base;
  const own = block as Partial<AsyncHealthOptions>;
  const thresholds: Thresholds = { ...base.thresholds, ...(typeof own.thresholds === 'object' ? own.thresholds : {}) };
  return { ...base, ...own, thresholds };
}

/** Calls back when a setting of ours changes. */
export function onSettingChange(key: string, callback: () => void): vscode.Disposable {
  return vscode.workspace.onDidChangeConfiguration((event) => {
    if (event.affectsConfiguration(`${SECTION}.${key}`)) callback();
  });
}
