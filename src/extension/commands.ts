/** The commands of the palette, the menus and the welcome view. */
import * as vscode from 'vscode';
import type { Finding, SourceLocation } from '../shared/findings';
import type { Detail } from '../shared/wire';
import { debugFile } from './configuration';
import { selectInterpreter } from './interpreter';
import { resumeUntilDone } from './keptAwaits';
import type { ExtensionLog } from './log';
import type { PanelHost } from './panel';
import { panelActions, setDetail } from './panelActions';
import { attachToProcess, pickProcess } from './processPicker';
import type { HealthProcess, ProcessRegistry } from './registry';
import { pickFormat, saveDiagnosticLog, saveRecording, saveReport } from './reports';
import { debugSample } from './sample';
import { editorSetting } from './settings';
import { openLocation } from './sources';
import { breakOnResume, confirmAndCancelTask, resolveTarget, revealCreation, runUntilResume, type TaskTarget } from './tasks';

const DETAILS: { label: Detail; description: string }[] = [
  { label: 'light', description: 'no stacks, locks on their contended path only' },
  { label: 'standard', description: 'creation stacks, holders and waiters' },
  { label: 'full', description: 'every creation stack, every step' },
];

export function registerCommands(context: vscode.ExtensionContext, registry: ProcessRegistry, panel: PanelHost, log: ExtensionLog): void {
  panel.onAction = panelActions(log);

  /** A failed command says why, and what to do; its log has the stack. */
  const command = (name: string, run: (...args: unknown[]) => unknown) => {
    const guarded = async (...args: unknown[]) => {
      try {
        return await run(...args);
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        log.error(`Command ${name}`, error);
        vscode.window.showErrorMessage(text, 'Show Log').then((choice) => {
          if (choice) log.show();
        });
        return undefined;
      }
    };
    context.subscriptions.push(vscode.commands.registerCommand(`asyncHealth.${name}`, guarded));
  };
  const onTask = (name: string, run: (target: TaskTarget) => Promise<string | undefined>) =>
    command(name, async (...args) => {
      const target = await resolveTarget(registry, args);
      const said = target && (await run(target));
      if (said) vscode.window.setStatusBarMessage(said, 5_000);
    });
  const onProcess = (name: string, run: (process: HealthProcess) => unknown) =>
    command(name, () => {
      const process = registry.selected;
      if (!process) throw new Error('No program has been debugged with Async Health yet. Press F5 on a Python file.');
      return run(process);
    });

  command('show', () => panel.show());
  command('debugFile', (uri) => debugFile(uri instanceof vscode.Uri ? uri : undefined));
  command('debugSample', () => debugSample(context, panel));
  command('attachToProcess', attachToProcess);
  command('pickProcess', pickProcess);
  command('selectInterpreter', selectInterpreter);
  command('showLog', () => log.show());
  command('openSettings', () => vscode.commands.executeCommand('workbench.action.openSettings', '@ext:async-health.async-health'));
  command('saveDiagnosticLog', () => saveDiagnosticLog(context, registry, log));
  command('resumeUntilDone', (id) => {
    const chosen = typeof id === 'string' ? registry.get(id)?.session : undefined;
    return resumeUntilDone(chosen ?? vscode.debug.activeDebugSession);
  });
  command('clearEnded', () => registry.clearEnded());

  command('selectProcess', async () => {
    const items = registry.processes.map((process) => {
      const info = process.info();
      return { label: info.label, description: [info.pid, info.state].filter(Boolean).join(' · '), id: process.id };
    });
    const choice = await vscode.window.showQuickPick(items, { placeHolder: 'Process to show' });
    if (choice) registry.select(choice.id);
  });

  onProcess('saveReport', async (process) => {
    const format = await pickFormat();
    return format && saveReport(process, format);
  });
  onProcess('saveRecording', saveRecording);
  onProcess('setDetail', async (process) => {
    const now = process.source.detail;
    const items = DETAILS.map((item) => ({ ...item, detail: item.label === now ? 'now' : undefined }));
    const choice = await vscode.window.showQuickPick(items, { placeHolder: 'How much the probe records' });
    if (choice) await setDetail(process, choice.label);
  });

  // A toggle of the setting: every live session follows, and so does the next one.
  command('toggleLibraryTasks', () =>
    vscode.workspace
      .getConfiguration('asyncHealth')
      .update('showLibraryTasks', !editorSetting('showLibraryTasks'), vscode.ConfigurationTarget.Global),
  );

  onTask('cancelTask', confirmAndCancelTask);
  onTask('breakOnResume', breakOnResume);
  onTask('runUntilResume', runUntilResume);
  onTask('revealCreation', revealCreation);

  command('openFinding', async (argument) => {
    const node = argument as { process: HealthProcess; location?: SourceLocation; finding?: Finding };
    const location = node.location ?? node.finding?.location;
    if (node.finding && !location) panel.reveal(node.process, 'findings', node.finding.id);
    else if (location) await openLocation(location, node.process.session.configuration);
  });
  command('copyFinding', async (argument) => {
    const { finding } = argument as { finding: Finding };
    await vscode.env.clipboard.writeText(describeFinding(finding));
  });
}

/** Plain text, for a chat or an issue. */
export function describeFinding(finding: Finding): string {
  const place = ({ file, line, function: name }: SourceLocation) => `${file}:${line} in ${name}`;
  return [
    `${finding.severity}: ${finding.code}: ${finding.message}`,
    ...(finding.location ? [`  at ${place(finding.location)}`] : []),
    ...finding.related.map((related) => `  ${related.label}: ${place(related)}${related.task ? ` (${related.task.name})` : ''}`),
    finding.advice,
  ].join('\n');
}
