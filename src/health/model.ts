import type { DecodedBatch } from '../shared/batch';
import type { Finding } from '../shared/findings';
import type { ListName, ListQuery, ListWindow, Overview } from '../shared/panel';
import type { HealthReport } from '../shared/report';
import { DEFAULT_THRESHOLDS, type Thresholds } from '../shared/settings';
import type { SystemSample } from '../shared/wire';
import { Samples } from './core/collections';
import { Definitions } from './core/definitions';
import { Environment } from './core/environment';
import { type Context, DEFAULT_RETENTION, type Retention, Signals } from './core/world';
import { createDetectors } from './detectors';
import type { Detector } from './detectors/detector';
import { sortFindings } from './findings/incidents';
import { FindingStore } from './findings/store';
import { ingestRows, type Trackers } from './ingest';
import { buildReport } from './report/report';
import { GeneratorTracker } from './trackers/generators';
import { LoopMonitor } from './trackers/loops';
import { ResourceMonitor } from './trackers/resources';
import { CancelScopeTracker } from './trackers/scopes';
import { AsyncTaskTracker, round } from './trackers/tasks';
import { loopRows } from './views/loops';
import { Views } from './views/views';

export interface HealthModelOptions {
  thresholds?: Partial<Thresholds>;
  /** How much is remembered; for tests and for small machines. */
  retention?: Partial<Retention>;
}

/** What a report needs besides the model. */
export interface ReportMeta {
  /** What was run, as the user would name it. */
  program: string;
}

/** The parts of {@link Overview} that one process knows by itself. */
export type OverviewParts = Pick<Overview, 'counts' | 'loops' | 'system' | 'history' | 'dropped' | 'nowMs' | 'libraries' | 'python'>;

/** Between two entries of the charts, ns. */
const HISTORY_NS = 500e6;
/** Between two looks of the periodic detectors, ns of the program's time. */
const LOOK_NS = 50e6;

/** Everything known of one process: fed with its batches in order, pure and synchronous, no clock of its own. */
export class HealthModel {
  readonly tasks: AsyncTaskTracker;
  readonly scopes: CancelScopeTracker;
  readonly resources: ResourceMonitor;
  readonly loops: LoopMonitor;
  readonly generators: GeneratorTracker;
  readonly store: FindingStore;
  readonly env = new Environment();
  private readonly context: Context;
  private readonly trackers: Trackers;
  private readonly detectors: Detector[];
  private readonly views: Views;
  private readonly history = {
    cpu: new Samples(),
    rssMb: new Samples(),
    lagMs: new Samples(),
    tasks: new Samples(),
    dueNs: 0,
    lagNs: 0,
    cpuSum: 0,
    samples: 0,
  };
  private nextLookNs = 0;
  private greeted = false;
  private ended = false;
  private orderly = false;

  /** Batches and rows taken in; parts that were malformed; the probe's own losses; gaps in the numbering. */
  readonly intake = { batches: 0, rows: 0, malformed: 0, gaps: 0, lastSeq: 0, unknownOps: 0, dropped: { rows: 0, stacks: 0, notes: 0 } };
  /** Hooks that are not in place, with the reason, and other messages of the probe. Bounded. */
  readonly probeMessages: string[] = [];

  constructor(options: HealthModelOptions = {}) {
    const retention = { ...DEFAULT_RETENTION, ...options.retention };
    const context: Context = {
      nowNs: 0,
      syncEpoch: 0,
      inSync: false,
      untracked: 0,
      defs: new Definitions(this.env.rules),
      env: this.env,
      signals: new Signals(),
      retention,
      thresholds: { ...DEFAULT_THRESHOLDS, ...options.thresholds },
    };
    this.context = context;
    // Order of construction is order of hearing: trackers before detectors.
    this.tasks = new AsyncTaskTracker(context);
    const at = (address: number) => this.tasks.at(address);
    this.scopes = new CancelScopeTracker(context, at);
    this.resources = new ResourceMonitor(context, this.tasks);
    this.loops = new LoopMonitor(context, at);
    this.generators = new GeneratorTracker(context, at);
    this.store = new FindingStore(context);
    const { locks, sessions } = this.resources;
    this.trackers = { tasks: this.tasks, scopes: this.scopes, locks, sessions, loops: this.loops, generators: this.generators, context };
    this.detectors = createDetectors({ ...this.trackers, store: this.store });
    this.views = new Views({ ...this.trackers, store: this.store });
    context.signals.note.on((note) => {
      if (note.kind === 'library') this.env.library(String(note.name), String(note.version));
      else if (note.kind === 'hook-removed') this.say(`hook ${note.hook} removed itself: ${note.error}`);
      else if (note.kind === 'hook-missing') this.say(`hook ${note.hook} is missing: ${note.why}`);
      else if (note.kind === 'message') this.say(`${note.level}: ${note.text}`);
    });
  }

  get thresholds(): Thresholds {
    return this.context.thresholds;
  }

  /** May change while the program runs. */
  set thresholds(thresholds: Thresholds) {
    this.context.thresholds = thresholds;
  }

  /** Has any task, of whatever library, been seen? */
  get runsAsync(): boolean {
    return this.tasks.created > 0;
  }

  /** ms since the probe's start, of the newest batch. */
  get nowMs(): number {
    return this.context.nowNs / 1e6;
  }

  /** Events that never arrived or did not fit: probe's buffers, malformed rows, things beyond the limits. */
  get dropped(): number {
    const { rows, stacks, notes } = this.intake.dropped;
    return rows + stacks + notes + this.intake.malformed + this.context.untracked;
  }

  ingest(batch: DecodedBatch): void {
    const { context, intake } = this;
    intake.batches++;
    intake.malformed += batch.malformed;
    if (batch.seq > 0) {
      if (intake.lastSeq > 0 && batch.seq !== intake.lastSeq + 1 && batch.hello === undefined) intake.gaps++;
      intake.lastSeq = batch.seq;
    }
    if (batch.hello !== undefined) {
      // A new life of the probe in this process: its ids count from 1 again and nothing of before can be named any more.
      if (this.greeted && batch.seq <= 1) this.restart();
      this.greeted = true;
      this.env.hello(batch.hello);
    }
    context.defs.add(batch);
    ingestRows(batch, this.trackers, intake);
    if (batch.t > context.nowNs) context.nowNs = batch.t;
    if (batch.dropped !== undefined) intake.dropped = batch.dropped;
    if (batch.sys !== undefined) {
      this.resources.system.sample(batch.sys, this.nowMs);
      if (batch.sys.threadNames !== undefined) this.loops.nameThreads(batch.sys.threadNames);
      this.sampleHistory(batch.sys);
    }
    if (batch.bye) this.orderly = true;
    if (context.nowNs >= this.nextLookNs) {
      this.nextLookNs = context.nowNs + LOOK_NS;
      for (const detector of this.detectors) detector.look(context.nowNs);
    }
  }

  private restart(): void {
    const { context } = this;
    context.defs.clear();
    context.syncEpoch++;
    this.sweepAll();
    context.nowNs = 0;
    this.nextLookNs = 0;
    this.history.dueNs = 0;
  }

  private sweepAll(): void {
    const t = this.context.nowNs;
    this.tasks.sweep(t);
    this.scopes.sweep(t);
    this.resources.locks.sweep(t);
    this.resources.sessions.sweep(t);
    this.loops.sweep();
    this.generators.sweep();
  }

  /** One entry per half second for the charts: a minute in all. */
  private sampleHistory(sample: SystemSample): void {
    const { history, context } = this;
    for (const loop of this.loops.all()) {
      if (!loop.running) continue;
      history.lagNs = Math.max(history.lagNs, loop.lagNs, loop.blocked === undefined ? 0 : loop.blocked.forNs);
    }
    history.cpuSum += sample.cpu;
    history.samples++;
    if (context.nowNs < history.dueNs) return;
    history.cpu.push(round(history.cpuSum / history.samples));
    history.rssMb.push(round(sample.rss / 1_048_576, 1));
    history.lagMs.push(round(history.lagNs / 1e6));
    history.tasks.push(this.tasks.alive);
    history.dueNs = context.nowNs + HISTORY_NS;
    history.lagNs = history.cpuSum = history.samples = 0;
  }

  private say(message: string): void {
    if (this.probeMessages.length < 100) this.probeMessages.push(message.slice(0, 500));
  }

  /** The stream is over: the process ended (or the link to it). `tNs`: on the probe's clock; never before the last batch. */
  end(tNs = this.context.nowNs): void {
    if (this.ended) return;
    this.ended = true;
    if (tNs > this.context.nowNs) this.context.nowNs = tNs;
    for (const detector of this.detectors) detector.end(this.context.nowNs, this.orderly);
  }

  /** Incidents by weight, each root first and its symptoms behind it. Copies: safe to keep. */
  findings(): Finding[] {
    return sortFindings([...this.store.all()]).map((finding) => ({ ...finding }));
  }

  /** Called for each new finding, and again when one changes (count, incident, resolved). Returns the unsubscriber. */
  onFinding(callback: (finding: Finding, isNew: boolean) => void): () => void {
    return this.store.changed.on((finding, isNew) => callback({ ...finding }, isNew));
  }

  /** Rows of one list that the query wants. Cost: the rows given back, not the length of the list (see views). */
  window(list: ListName, query: ListQuery): ListWindow {
    return this.views.window(list, query);
  }

  /** Findings whose condition is not over. */
  get openFindings(): number {
    let open = 0;
    for (const finding of this.store.all()) if (!finding.resolved) open++;
    return open;
  }

  overview(): OverviewParts {
    const { resources, history } = this;
    let errors = 0;
    let warnings = 0;
    let open = 0;
    for (const finding of this.store.all()) {
      if (finding.resolved) continue;
      open++;
      if (finding.severity === 'error') errors++;
      else if (finding.severity === 'warning') warnings++;
    }
    const parts: OverviewParts = {
      counts: {
        findings: open,
        tasks: this.tasks.alive,
        scopes: this.scopes.active,
        locks: resources.locks.size,
        sessions: resources.sessions.open,
        errors,
        warnings,
      },
      loops: loopRows(this.loops, this.context.nowNs),
      history: { cpu: history.cpu.list, rssMb: history.rssMb.list, lagMs: history.lagMs.list, tasks: history.tasks.list },
      dropped: this.dropped,
      nowMs: round(this.nowMs, 1),
      libraries: { ...this.env.libraries },
    };
    const system = resources.system.row();
    if (system !== undefined) parts.system = system;
    if (this.env.python !== '') parts.python = this.env.python;
    return parts;
  }

  report(meta: ReportMeta): HealthReport {
    return buildReport(this, meta);
  }
}
