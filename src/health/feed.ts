import type { DebugStatistics, FromPanel, ListName, PanelAction, ProcessInfo, ToPanel } from '../shared/panel';
import type { HealthModel } from './model';

/** One process as the panel's owner knows it. */
export interface FeedProcess {
  info: ProcessInfo;
  model?: HealthModel;
  /** RemoteDebugger's numbers, asked for once a tick at most. */
  debug?: () => DebugStatistics;
}

export interface PanelFeedOptions {
  /** The page wants something done; answer with {@link PanelFeed.result}. */
  onAction?: (request: number, action: PanelAction) => void;
  onError?: (message: string, stack?: string) => void;
}

/** Feeds one page. */
export class PanelFeed {
  constructor(_send: (message: ToPanel) => void, _options: PanelFeedOptions = {}) {}

  /** Replaces the list of processes; the selected one stays while it is there, else the first is taken. */
  setProcesses(_processes: FeedProcess[]): void {}

  select(_id: string): void {}

  /** Hidden pages get nothing; when shown again they get a snapshot. */
  setVisible(_visible: boolean): void {}

  handle(_message: FromPanel): void {}

  result(_request: number, _ok: boolean, _message?: string): void {}

  reveal(_list: ListName, _id: number): void {}

  /** Sends what changed since the last one; its owner calls it at most ten times a second. */
  tick(): void {}
}
