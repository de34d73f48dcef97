/** What the panel's page may ask the editor to do. Each one ends in a text for the user, nothing, or an Error with one. */
import * as vscode from 'vscode';
import type { PanelAction } from '../shared/panel';
import type { Detail } from '../shared/wire';
import { debugFile } from './configuration';
import type { ExtensionLog } from './log';
import type { ActionHandler } from './panel';
import type { HealthProcess } from './registry';
import { saveRecording, saveReport } from './reports';
import { openLocation } from './sources';
import { breakOnResume, confirmAndCancelTask, runUntilResume, type TaskTarget } from './tasks';

export async function setDetail(process: HealthProcess, detail: Detail): Promise<void> {
  await process.source.request('asyncHealth/setDetail', { detail });
}

export function panelActions(log: ExtensionLog): ActionHandler {
  return async (action: PanelAction, { process, column }) => {
    const live = (): HealthProcess => {
      if (!process) throw new Error('No program has been debugged yet. Press F5 on a Python file.');
      if (process.ended) throw new Error('The program has ended.');
      return process;
    };
    const known = (): HealthProcess => {
      if (!process) throw new Error('No program has been debugged yet. Press F5 on a Python file.');
      return process;
    };
    const target = (task: number): TaskTarget => {
      const owner = live();
      const { rows } = owner.source.health.window('tasks', { offset: 0, limit: Number.MAX_SAFE_INTEGER });
      const row = rows.find((one) => 'kind' in one && one.kind === 'task' && one.address === task);
      return { process: owner, address: task, name: row && 'name' in row ? row.name : undefined };
    };
    switch (action.do) {
      case 'open':
        await openLocation(action.location, process?.session.configuration, column);
        return undefined;
      case 'setDetail':
        await setDetail(live(), action.detail);
        return undefined;
      case 'startDebugging':
        await debugFile();
        return undefined;
      case 'saveReport':
        return saveReport(known(), action.format);
      case 'saveRecording':
        return saveRecording(known());
      case 'cancelTask':
        return confirmAndCancelTask(target(action.task));
      case 'breakOnResume':
        return breakOnResume(target(action.task));
      case 'runUntilResume':
        return runUntilResume(target(action.task));
      case 'copy':
        await vscode.env.clipboard.writeText(action.text);
        return 'Copied';
      case 'openSettings':
        await vscode.commands.executeCommand('workbench.action.openSettings', '@ext:async-health.async-health');
        return undefined;
      case 'showLog':
        log.show();
        return undefined;
      default:
        throw new Error(`The editor does not know "${(action as { do?: string }).do}".`);
    }
  };
}
