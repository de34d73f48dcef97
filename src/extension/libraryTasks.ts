/** Keeps every live session's Call Stack in step with `asyncHealth.showLibraryTasks`. */
import type * as vscode from 'vscode';
import type { Log } from '../adapter';
import type { HealthProcess, ProcessRegistry } from './registry';
import { DEBUG_TYPE, editorSetting, onSettingChange } from './settings';

export function registerLibraryTasks(context: vscode.ExtensionContext, registry: ProcessRegistry, log: Log): void {
  const tell = (process: HealthProcess) => {
    if (process.session.type !== DEBUG_TYPE) return;
    process.source
      .request('asyncHealth/showLibraryTasks', { show: editorSetting('showLibraryTasks') })
      .catch((error) => log.warn(`"${process.session.name}" could not be told about library tasks: ${error.message}`));
  };
  const told = new WeakSet<HealthProcess>();
  context.subscriptions.push(
    onSettingChange('showLibraryTasks', () => registry.live.forEach(tell)),
    registry.onDidChange(() => {
      for (const process of registry.live) {
        // The default needs no telling.
        if (told.has(process) || process.state === 'starting' || !editorSetting('showLibraryTasks')) continue;
        told.add(process);
        tell(process);
      }
    }),
  );
}
