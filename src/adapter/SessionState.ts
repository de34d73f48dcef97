/** What the messages that pass say about the debuggee: pid, name, running or paused, exit code. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { ProcessInfo } from '../shared/panel';

export interface SessionSnapshot {
  state: ProcessInfo['state'];
  pid?: number;
  /** Program, module or "-c"; before the process is known, what the configuration says. */
  name: string;
  exitCode?: number;
  /** The client has ended the program: its exit code says nothing about it. */
  endedByClient: boolean;
}

const RESUMING = new Set(['continue', 'next', 'stepIn', 'stepOut', 'reverseContinue', 'stepBack', 'goto']);

export class SessionState {
  private state: ProcessInfo['state'] = 'starting';
  private pid: number | undefined;
  private name = '';
  private exitCode: number | undefined;
  private leaving = false;
  private endedByClient = false;

  /** The client or debugpy has said that this is the end: what breaks off now is no fault. */
  get isEnding(): boolean {
    return this.leaving;
  }

  snapshot(): SessionSnapshot {
    const snapshot: SessionSnapshot = { state: this.state, name: this.name, endedByClient: this.endedByClient };
    if (this.pid !== undefined) snapshot.pid = this.pid;
    if (this.exitCode !== undefined) snapshot.exitCode = this.exitCode;
    return snapshot;
  }

  starting(_command: 'launch' | 'attach', configuration: Record<string, unknown>): void {
    const { program, module, name, subProcessId } = configuration;
    if (typeof subProcessId === 'number') this.pid = subProcessId;
    this.name = [program, module, name].find((value): value is string => typeof value === 'string' && value !== '') ?? '';
  }

  ending(): void {
    this.leaving = true;
    if (this.state !== 'ended') this.endedByClient = true;
  }

  /** True when this was news. */
  ended(): boolean {
    if (this.state === 'ended') return false;
    this.state = 'ended';
    return true;
  }

  /** An event of debugpy. True when something changed. */
  observe(event: DebugProtocol.Event): boolean {
    switch (event.event) {
      case 'process': {
        const body = event.body as DebugProtocol.ProcessEvent['body'] | undefined;
        if (typeof body?.systemProcessId === 'number') this.pid = body.systemProcessId;
        if (body?.name) this.name = body.name;
        if (this.state === 'starting') this.state = 'running';
        return true;
      }
      case 'stopped':
        return this.become('paused');
      case 'continued':
        return this.become('running');
      case 'exited':
        this.exitCode = (event.body as { exitCode?: number } | undefined)?.exitCode;
        return true;
      case 'terminated':
        this.leaving = true;
        return this.ended();
      default:
        return false;
    }
  }

  /** A message that goes to the client. True when something changed. */
  sent(message: DebugProtocol.ProtocolMessage): boolean {
    if (message.type !== 'response') return false;
    const response = message as DebugProtocol.Response;
    if (!response.success) return false;
    if (response.command === 'attach' || response.command === 'launch') return this.state === 'starting' && this.become('running');
    return RESUMING.has(response.command) && this.become('running');
  }

  private become(state: ProcessInfo['state']): boolean {
    if (this.state === state || this.state === 'ended') return false;
    this.state = state;
    return true;
  }
}
