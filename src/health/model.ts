import type { DecodedBatch } from '../shared/batch';
import type { Finding } from '../shared/findings';
import type { ListName, ListQuery, ListWindow, Overview } from '../shared/panel';
import type { HealthReport } from '../shared/report';
import { DEFAULT_THRESHOLDS, type Thresholds } from '../shared/settings';

export interface HealthModelOptions {
  thresholds?: Partial<Thresholds>;
}

/** What a report needs besides the model. */
export interface ReportMeta {
  /** What was run, as the user would name it. */
  program: string;
}

/** The parts of {@link Overview} that one process knows by itself. */
export type OverviewParts = Pick<Overview, 'counts' | 'loops' | 'system' | 'history' | 'dropped' | 'nowMs' | 'libraries' | 'python'>;

/** Everything known of one process: fed with its batches in order, pure and synchronous, no clock of its own. */
export class HealthModel {
  thresholds: Thresholds;

  constructor(options: HealthModelOptions = {}) {
    this.thresholds = { ...DEFAULT_THRESHOLDS, ...options.thresholds };
  }

  ingest(_batch: DecodedBatch): void {}

  /** The stream is over: the process ended (or the link to it). `tNs`: on the probe's clock; never before the last batch. */
  end(_tNs?: number): void {}

  findings(): Finding[] {
    return [];
  }

  /** Called for each new finding, and again when one changes (count, incident, resolved). Returns the unsubscriber. */
  onFinding(_callback: (finding: Finding, isNew: boolean) => void): () => void {
    return () => {};
  }

  window(_list: ListName, query: ListQuery): ListWindow {
    return { total: 0, all: 0, offset: query.offset, rows: [] };
  }

  overview(): OverviewParts {
    throw new Error('not yet');
  }

  report(_meta: ReportMeta): HealthReport {
    throw new Error('not yet');
  }
}
