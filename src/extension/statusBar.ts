/** One status bar item while a program is debugged: findings and the loop's lag; a click opens the panel. */
import * as vscode from 'vscode';
import type { HealthProcess, ProcessRegistry } from './registry';
import { editorSetting, onSettingChange } from './settings';

const REFRESH_MS = 1_000;
/** Below this, ms, the lag is not worth a place in the status bar. */
const SHOWN_LAG_MS = 20;

export function registerStatusBar(context: vscode.ExtensionContext, registry: ProcessRegistry): void {
  const item = vscode.window.createStatusBarItem('asyncHealth.status', vscode.StatusBarAlignment.Left, 50);
  item.name = 'Async Health';
  item.command = 'asyncHealth.show';
  let timer: NodeJS.Timeout | undefined;
  let soon: NodeJS.Immediate | undefined;

  const update = () => {
    const process = registry.selected;
    if (!process || !editorSetting('showStatusBar')) {
      item.hide();
    } else {
      describe(item, process, registry.processes.length);
      item.show();
    }
    // The lag changes without an event; only a live process is looked at again and again.
    const running = registry.live.length > 0 && editorSetting('showStatusBar');
    if (running) timer ??= setInterval(update, REFRESH_MS);
    else {
      clearInterval(timer);
      timer = undefined;
    }
  };
  context.subscriptions.push(
    item,
    registry.onDidChange(update),
    // At once, but once for all findings of a message; it must not say "Healthy" beside a finding.
    registry.onFinding(() => {
      soon ??= setImmediate(() => {
        soon = undefined;
        update();
      });
    }),
    onSettingChange('showStatusBar', update),
    new vscode.Disposable(() => {
      clearInterval(timer);
      clearImmediate(soon);
    }),
  );
  update();
}

function describe(item: vscode.StatusBarItem, process: HealthProcess, processes: number): void {
  const { errors, warnings } = process.counts();
  const info = process.info();
  const parts = ['$(pulse)'];
  if (errors > 0) parts.push(`$(error) ${errors}`);
  if (warnings > 0) parts.push(`$(warning) ${warnings}`);
  if (errors + warnings === 0) parts.push(statusWord(info.probe));
  const overview = process.source.health.overview();
  const lag = Math.max(0, ...overview.loops.filter((loop) => loop.running).map((loop) => loop.blocked?.forMs ?? loop.lagMs));
  if (!process.ended && info.state === 'running' && lag >= SHOWN_LAG_MS) parts.push(`lag ${Math.round(lag)} ms`);
  item.text = parts.join(' ');
  item.backgroundColor = errors > 0 && !process.ended ? new vscode.ThemeColor('statusBarItem.errorBackground') : undefined;
  const tooltip = new vscode.MarkdownString(undefined, true);
  tooltip.appendMarkdown('**Async Health**');
  tooltip.appendText(`\n\n${info.label}${info.pid ? ` (${info.pid})` : ''}: ${info.state}, probe ${info.probe}`);
  if (info.probeMessage) tooltip.appendText(`\n\n${info.probeMessage}`);
  tooltip.appendText(`\n\n${overview.counts.tasks} tasks, ${errors} errors, ${warnings} warnings`);
  if (processes > 1) tooltip.appendText(`\n\n${processes} processes`);
  item.tooltip = tooltip;
}

function statusWord(probe: string): string {
  if (probe === 'live') return 'Healthy';
  if (probe === 'failed' || probe === 'lost') return '$(debug-disconnect) No probe';
  if (probe === 'off') return 'Probe off';
  return probe === 'ended' ? 'Ended' : 'Starting';
}
