/** "Debug a Sample Program": a small program with three mistakes, standard library only, in a folder that the user may edit. */
import { join } from 'node:path';
import * as vscode from 'vscode';
import { debugFile } from './configuration';
import type { PanelHost } from './panel';

export async function debugSample(context: vscode.ExtensionContext, panel: PanelHost): Promise<void> {
  const target = vscode.Uri.joinPath(context.globalStorageUri, 'async_health_sample.py');
  const exists = await vscode.workspace.fs.stat(target).then(
    () => true,
    () => false,
  );
  // A sample that the user has changed is theirs; deleting it brings the original back.
  if (!exists) await vscode.workspace.fs.copy(vscode.Uri.file(join(context.extensionPath, 'media', 'sample.py')), target);
  await vscode.window.showTextDocument(target);
  panel.show({ preserveFocus: true });
  await debugFile(target);
}
