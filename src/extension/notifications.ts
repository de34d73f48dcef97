/** Tells the user once per process that something went wrong; the panel, the tree and Problems tell the rest. */
import * as vscode from 'vscode';
import type { Log } from '../adapter/log';
import type { PanelHost } from './panel';
import type { ProcessRegistry } from './registry';
import { editorSetting } from './settings';
import { openLocation } from './sources';

export function registerNotifications(context: vscode.ExtensionContext, registry: ProcessRegistry, panel: PanelHost, log: Log): void {
  context.subscriptions.push(
    registry.onFinding(({ process, finding, isNew }) => {
      if (!isNew || finding.severity !== 'error' || process.told) return;
      process.told = true;
      if (editorSetting('openPanelOnStart') === 'onError') panel.showUnasked();
      // Who looks at the panel already sees it there.
      if (panel.visible || !editorSetting('notifyOnError')) return;
      const source = finding.location ? ['Go to Source'] : [];
      vscode.window
        .showWarningMessage(`${finding.message} (${finding.code})`, 'Show', ...source, "Don't Show Again")
        .then(async (choice) => {
          if (choice === 'Show') panel.reveal(process, 'findings', finding.id);
          else if (choice === 'Go to Source') await openLocation(finding.location!, process.session.configuration);
          else if (choice === "Don't Show Again") {
            await vscode.workspace.getConfiguration('asyncHealth').update('notifyOnError', false, vscode.ConfigurationTarget.Global);
          }
        })
        .then(undefined, (error) => log.error('A notification could not do what was asked', error));
    }),
  );
}
