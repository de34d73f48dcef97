/** The "Async Health" view in Run and Debug: findings first, then what the tasks do. A click opens the source. */
import * as vscode from 'vscode';
import type { Log } from '../adapter';
import type { Finding, RelatedLocation, Severity, SourceLocation } from '../shared/findings';
import type { TaskRow } from '../shared/rows';
import type { HealthProcess, ProcessRegistry } from './registry';
import { shortLocation } from './sources';

/** The tree is redrawn at most this often, ms. */
const REFRESH_MS = 1_000;
const INTRODUCED = 'viewIntroduced';
/** Tasks listed; the panel has them all. */
const MOST_TASKS = 200;

const ICONS: Record<Severity, vscode.ThemeIcon> = {
  error: new vscode.ThemeIcon('error', new vscode.ThemeColor('list.errorForeground')),
  warning: new vscode.ThemeIcon('warning', new vscode.ThemeColor('list.warningForeground')),
  info: new vscode.ThemeIcon('info'),
};
const TASK_ICONS: Partial<Record<TaskRow['state'], string>> = {
  running: 'play',
  ready: 'play-circle',
  waiting: 'watch',
  done: 'check',
  cancelled: 'circle-slash',
  failed: 'error',
  dropped: 'trash',
};

export type Node =
  | { type: 'process'; process: HealthProcess }
  | { type: 'group'; process: HealthProcess; group: 'findings' | 'tasks' }
  | { type: 'finding'; process: HealthProcess; finding: Finding }
  | { type: 'related'; process: HealthProcess; related: RelatedLocation }
  | { type: 'task'; process: HealthProcess; row: TaskRow }
  | { type: 'more'; process: HealthProcess; text: string };

class HealthTree implements vscode.TreeDataProvider<Node> {
  private readonly changed = new vscode.EventEmitter<void>();
  readonly onDidChangeTreeData = this.changed.event;

  constructor(private readonly registry: ProcessRegistry) {}

  refresh(): void {
    this.changed.fire();
  }

  getChildren(node?: Node): Node[] {
    if (!node) {
      const { processes } = this.registry;
      if (processes.length === 1) return groupsOf(processes[0]!);
      return processes.map((process) => ({ type: 'process', process }));
    }
    const { process } = node;
    if (node.type === 'process') return groupsOf(process);
    if (node.type === 'group') return node.group === 'findings' ? findingsOf(process) : tasksOf(process);
    if (node.type === 'finding') return partsOf(process, node.finding);
    return [];
  }

  /** Only roots are ever revealed. */
  getParent(): undefined {
    return undefined;
  }

  getTreeItem(node: Node): vscode.TreeItem {
    const { process } = node;
    switch (node.type) {
      case 'process':
        return processItem(process);
      case 'group':
        return groupItem(process, node.group);
      case 'finding':
        return findingItem(process, node.finding);
      case 'related': {
        const { related } = node;
        const item = leaf(`${process.id}:${related.label}:${related.file}:${related.line}`, related.label);
        item.description = `${related.task ? `${related.task.name} · ` : ''}${related.function} ${shortLocation(related)}`;
        return opening(item, process, related);
      }
      case 'task':
        return taskItem(process, node.row);
      case 'more':
        return leaf(`${process.id}:more`, node.text);
    }
  }
}

function groupsOf(process: HealthProcess): Node[] {
  return [
    { type: 'group', process, group: 'findings' },
    { type: 'group', process, group: 'tasks' },
  ];
}

/** The other places of a finding, then (below an incident's root) what it led to. */
function partsOf(process: HealthProcess, finding: Finding): Node[] {
  const places: Node[] = finding.related.map((related) => ({ type: 'related', process, related }));
  if (!isRoot(finding)) return places;
  const led = process.findings().filter((other) => other.incident === finding.id && other.id !== finding.id);
  return [...places, ...led.map((other): Node => ({ type: 'finding', process, finding: other }))];
}

const isRoot = (finding: Finding) => finding.incident === finding.id || finding.incident === 0;

/** One row per incident's root. Errors first, then the newest. */
function findingsOf(process: HealthProcess): Node[] {
  const rank: Record<Severity, number> = { error: 0, warning: 1, info: 2 };
  const findings = process.findings().filter(isRoot);
  findings.sort((a, b) => Number(a.resolved) - Number(b.resolved) || rank[a.severity] - rank[b.severity] || b.lastSeenMs - a.lastSeenMs);
  return findings.map((finding) => ({ type: 'finding', process, finding }));
}

function tasksOf(process: HealthProcess): Node[] {
  const window = process.source.health.window('tasks', { offset: 0, limit: MOST_TASKS });
  const nodes: Node[] = window.rows.flatMap((row) =>
    'kind' in row && row.kind === 'task' ? [{ type: 'task' as const, process, row }] : [],
  );
  if (window.total > nodes.length) nodes.push({ type: 'more', process, text: `${window.total - nodes.length} more in the panel` });
  return nodes;
}

function leaf(id: string, label: string): vscode.TreeItem {
  const item = new vscode.TreeItem(label);
  item.id = id;
  return item;
}

function opening(item: vscode.TreeItem, process: HealthProcess, location: SourceLocation | undefined): vscode.TreeItem {
  if (location) item.command = { command: 'asyncHealth.openFinding', title: 'Open', arguments: [{ process, location }] };
  return item;
}

function processItem(process: HealthProcess): vscode.TreeItem {
  const info = process.info();
  const { errors, warnings } = process.counts();
  const item = new vscode.TreeItem(
    info.label,
    process.ended ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.Expanded,
  );
  item.id = process.id;
  item.description = [info.pid ? String(info.pid) : '', info.state, info.probe === 'live' ? '' : `probe ${info.probe}`]
    .filter(Boolean)
    .join(' · ');
  item.iconPath = new vscode.ThemeIcon(errors > 0 ? 'error' : warnings > 0 ? 'warning' : process.ended ? 'debug-stop' : 'pulse');
  item.tooltip = info.probeMessage;
  return item;
}

function groupItem(process: HealthProcess, group: 'findings' | 'tasks'): vscode.TreeItem {
  const findings = group === 'findings';
  const item = new vscode.TreeItem(
    findings ? 'Findings' : 'Tasks',
    findings ? vscode.TreeItemCollapsibleState.Expanded : vscode.TreeItemCollapsibleState.Collapsed,
  );
  item.id = `${process.id}:${group}`;
  if (group === 'tasks') {
    item.description = String(process.source.health.overview().counts.tasks);
    return item;
  }
  const { errors, warnings, all } = process.counts();
  const info = process.info();
  const said = [plural(errors, 'error'), plural(warnings, 'warning')].filter(Boolean).join(', ');
  item.description = said || (all > 0 ? `${all}` : 'none');
  if (info.probe !== 'live' && info.probe !== 'ended') {
    item.description += ` · probe ${info.probe}`;
    item.tooltip = info.probeMessage;
  }
  return item;
}

const plural = (count: number, word: string) => (count === 0 ? '' : `${count} ${word}${count === 1 ? '' : 's'}`);

function findingItem(process: HealthProcess, finding: Finding): vscode.TreeItem {
  const state = partsOf(process, finding).length > 0 ? vscode.TreeItemCollapsibleState.Collapsed : vscode.TreeItemCollapsibleState.None;
  const item = new vscode.TreeItem(finding.code, state);
  item.id = `${process.id}:finding:${finding.id}`;
  item.description = `${finding.resolved ? 'over · ' : ''}${finding.count > 1 ? `${finding.count}× · ` : ''}${finding.message}`;
  item.tooltip = new vscode.MarkdownString().appendText(finding.message).appendMarkdown('\n\n').appendText(finding.advice);
  item.iconPath = ICONS[finding.severity];
  item.contextValue = 'finding';
  return opening(item, process, finding.location);
}

function taskItem(process: HealthProcess, row: TaskRow): vscode.TreeItem {
  const item = leaf(`${process.id}:task:${row.id}`, `${'  '.repeat(Math.min(row.depth, 8))}${row.name}`);
  const waits = row.waitsFor ? ` · awaits ${row.waitsFor}` : '';
  item.description = `${row.coroutine} · ${row.state}${waits}`;
  item.iconPath = new vscode.ThemeIcon(TASK_ICONS[row.state] ?? 'circle-outline');
  item.contextValue = 'task';
  return opening(item, process, row.waitsAt ?? row.createdAt);
}

export function registerTree(context: vscode.ExtensionContext, registry: ProcessRegistry, log: Log): void {
  const tree = new HealthTree(registry);
  const view = vscode.window.createTreeView('asyncHealth.view', { treeDataProvider: tree, showCollapseAll: true });
  let timer: NodeJS.Timeout | undefined;
  let interval: NodeJS.Timeout | undefined;
  const refresh = () => {
    timer = undefined;
    const errors = registry.processes.reduce((sum, process) => sum + process.counts().errors, 0);
    view.badge = errors > 0 ? { value: errors, tooltip: `Async Health: ${errors} errors` } : undefined;
    if (view.visible) tree.refresh();
  };
  /** VS Code folds views of extensions in Run and Debug: once, at the first error ever found, it is unfolded, so that it is known. */
  const introduce = () => {
    const [root] = tree.getChildren();
    if (!root || context.globalState.get(INTRODUCED)) return;
    void context.globalState.update(INTRODUCED, true);
    view
      .reveal(root, { select: false, focus: false, expand: true })
      .then(undefined, (error) => log.warn(`The view could not be unfolded: ${error}`));
  };
  const later = () => {
    timer ??= setTimeout(refresh, REFRESH_MS / 4);
    // Task states change without an event; a hidden view or an ended program needs no refresh.
    if (registry.live.length > 0 && view.visible) interval ??= setInterval(refresh, REFRESH_MS);
    else {
      clearInterval(interval);
      interval = undefined;
    }
  };
  context.subscriptions.push(
    view,
    view.onDidChangeVisibility(later),
    registry.onDidChange(later),
    registry.onFinding(({ finding, isNew }) => {
      later();
      if (isNew && finding.severity === 'error') introduce();
    }),
    new vscode.Disposable(() => {
      clearTimeout(timer);
      clearInterval(interval);
    }),
  );
}
