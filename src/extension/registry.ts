/**
 * The processes under debugging: one per debug session (child processes are child sessions). The one owner of what the panel,
 * the tree, Problems, the status bar and the commands look at. Ended processes stay, a few, so that their findings can be read.
 */
import * as vscode from 'vscode';
import type { RemoteDebugger } from '../adapter';
import type { HealthModel } from '../health';
import type { ProbeLink } from '../probe/link';
import type { Finding } from '../shared/findings';
import type { DebugStatistics, ProcessInfo } from '../shared/panel';
import type { Detail } from '../shared/wire';
import type { RecordingFile } from './recording';
import { editorSetting } from './settings';

/** What stands behind a process: our adapter, or the probe inside a session of type `debugpy`. */
export interface HealthSource {
  readonly health: HealthModel;
  readonly probe: ProbeLink;
  readonly detail: Detail;
  /** Of the program, once it has ended by itself. */
  readonly exitCode: number | undefined;
  /** The debugger as an API; not in sessions of type `debugpy`. */
  readonly remote?: RemoteDebugger;
  statistics(): DebugStatistics;
  /** Does one of the `asyncHealth/*` requests. @throws Error with a text for the user */
  request(command: string, args: Record<string, unknown>): Promise<unknown>;
}

export class HealthProcess {
  state: ProcessInfo['state'] = 'starting';
  startedAt = new Date();
  /** It has run a task: told to those who look at the registry once. */
  runsAsync = false;
  /** One is enough: set once the user has been told of an error in this process. */
  told = false;
  readonly disposables: vscode.Disposable[] = [];
  /** The stream so far, on disk. */
  recording: RecordingFile | undefined;

  constructor(
    readonly session: vscode.DebugSession,
    readonly source: HealthSource,
  ) {}

  get id(): string {
    return this.session.id;
  }

  get ended(): boolean {
    return this.state === 'ended';
  }

  findings(): Finding[] {
    return this.source.health.findings();
  }

  /** Root findings that are not over; what the badge and the status bar count. */
  counts(): { errors: number; warnings: number; all: number } {
    const all = this.findings();
    const of = (severity: string) => all.filter((finding) => finding.severity === severity).length;
    return { errors: of('error'), warnings: of('warning'), all: all.length };
  }

  /** The session's name; debugpy names a child after its pid, which stands beside the label anyway: what it runs says more. */
  private get label(): string {
    const { name, parentSession } = this.session;
    return (parentSession && /^Subprocess \d+$/.test(name) ? this.source.health.env.program : undefined) ?? name;
  }

  info(): ProcessInfo {
    const { probe, detail, exitCode } = this.source;
    return {
      id: this.id,
      label: this.label,
      pid: probe.pid,
      state: this.state,
      probe: this.ended && probe.status === 'live' ? 'ended' : probe.status,
      probeMessage: probe.message,
      detail,
      findings: this.findings().length,
      ...(this.ended && exitCode !== undefined ? { exitCode } : {}),
    };
  }
}

export class ProcessRegistry implements vscode.Disposable {
  private readonly list: HealthProcess[] = [];
  private readonly changed = new vscode.EventEmitter<void>();
  private readonly found = new vscode.EventEmitter<{ process: HealthProcess; finding: Finding; isNew: boolean }>();
  private readonly subscriptions: vscode.Disposable[];
  private chosen: string | undefined;

  private readonly added = new vscode.EventEmitter<HealthProcess>();
  /** Before its first message. */
  readonly onDidAdd = this.added.event;
  /** A process came, went, paused, or its probe's state changed. */
  readonly onDidChange = this.changed.event;
  private readonly received = new vscode.EventEmitter<HealthProcess>();
  /** The model has taken in a message of this process's probe: about ten a second. */
  readonly onDidReceive = this.received.event;
  /** A finding is new or has changed. May fire often: consumers batch. */
  readonly onFinding = this.found.event;

  constructor() {
    this.subscriptions = [
      vscode.debug.onDidTerminateDebugSession((session) => this.end(session.id)),
      this.onDidChange(() => this.publishContext()),
    ];
  }

  get processes(): readonly HealthProcess[] {
    return this.list;
  }

  get live(): HealthProcess[] {
    return this.list.filter((process) => !process.ended);
  }

  get(id: string | undefined): HealthProcess | undefined {
    return this.list.find((process) => process.id === id);
  }

  /**
   * What panel and commands look at: the user's choice, else the active debug session's process, else the newest live one, else the
   * newest. One that runs no task gives way to one that does, unless the user stands in it: a reloader or a pool's parent starts
   * the children in which everything happens.
   */
  get selected(): HealthProcess | undefined {
    const chosen = this.get(this.chosen);
    if (chosen) return chosen;
    const active = this.get(vscode.debug.activeDebugSession?.id);
    if (active?.state === 'paused') return active;
    const newest = [...this.list].reverse();
    const live = newest.filter((process) => !process.ended);
    const candidates = live.length > 0 ? live : newest;
    if (active && candidates.includes(active)) candidates.unshift(active);
    return candidates.find((process) => process.source.health.runsAsync) ?? candidates[0];
  }

  select(id: string): void {
    this.chosen = id;
    this.changed.fire();
  }

  add(session: vscode.DebugSession, source: HealthSource): HealthProcess {
    this.remove(session.id);
    const process = new HealthProcess(session, source);
    this.list.push(process);
    // What is watched should be what runs: a choice among ended processes does not outlive the start of a new one.
    if (this.get(this.chosen)?.ended) this.chosen = undefined;
    const offs = [
      source.probe.onStatus(() => this.changed.fire()),
      source.probe.onBatch(() => {
        this.received.fire(process);
        if (process.runsAsync || !source.health.runsAsync) return;
        process.runsAsync = true;
        this.changed.fire(); // another one may be looked at by default now
      }),
      source.health.onFinding((finding, isNew) => this.found.fire({ process, finding, isNew })),
    ];
    process.disposables.push(...offs.map((off) => new vscode.Disposable(off)));
    this.forgetOld();
    this.added.fire(process);
    this.changed.fire();
    return process;
  }

  setState(id: string, state: ProcessInfo['state']): void {
    const process = this.get(id);
    if (!process || process.ended || process.state === state) return;
    // What never ran (no interpreter, no debugpy) has nothing to show: VS Code has told the user why.
    if (process.state === 'starting' && state === 'ended') this.remove(id);
    process.state = state;
    this.changed.fire();
  }

  end(id: string): void {
    this.setState(id, 'ended');
  }

  clearEnded(): void {
    for (const process of this.list.filter((one) => one.ended)) this.remove(process.id);
    this.changed.fire();
  }

  private forgetOld(): void {
    const ended = this.list.filter((process) => process.ended);
    for (const process of ended.slice(0, Math.max(0, ended.length - editorSetting('keepEndedProcesses')))) this.remove(process.id);
  }

  private remove(id: string): void {
    const index = this.list.findIndex((process) => process.id === id);
    if (index < 0) return;
    for (const disposable of this.list[index]!.disposables) disposable.dispose();
    this.list.splice(index, 1);
  }

  private publishContext(): void {
    const set = (key: string, value: boolean) => void vscode.commands.executeCommand('setContext', `asyncHealth.${key}`, value);
    set('hasProcess', this.list.length > 0);
    set('severalProcesses', this.list.length > 1);
    set('sessionActive', this.live.length > 0);
  }

  dispose(): void {
    for (const process of [...this.list]) this.remove(process.id);
    for (const subscription of this.subscriptions) subscription.dispose();
    this.added.dispose();
    this.changed.dispose();
    this.received.dispose();
    this.found.dispose();
  }
}
