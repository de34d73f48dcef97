import { type DecodedBatch, decodeBatch } from '../shared/batch';
import { HealthModel, type HealthModelOptions } from './model';

/** A line of a recording that is longer is not read: no batch is. */
const MAX_LINE = 64 * 1024 * 1024;
/** What a recording in memory holds before it stops, bytes. */
export const DEFAULT_RECORDING_LIMIT = 256 * 1024 * 1024;

/**
 * Writes the probe's raw messages as JSON lines, one batch a line, as they came: what replays, benchmarks and bug reports are
 * made of. Bounded: when the limit is reached it stops and says so, an incomplete stream in the middle would be a lie.
 */
export class Recorder {
  private written = 0;
  batches = 0;
  /** Batches that did not fit. */
  skipped = 0;

  constructor(
    private readonly write: (line: string) => void,
    private readonly limit = DEFAULT_RECORDING_LIMIT,
  ) {}

  /** `message`: a ProbeBatch as it arrived. Other messages (replies, requests) are not part of the stream. */
  add(message: unknown): void {
    if (typeof message !== 'object' || message === null || (message as { type?: unknown }).type !== 'batch') return;
    const line = `${JSON.stringify(message)}\n`;
    if (this.skipped > 0 || this.written + line.length > this.limit) {
      this.skipped++;
      return;
    }
    this.written += line.length;
    this.batches++;
    this.write(line);
  }

  get bytes(): number {
    return this.written;
  }
}

/** A recording that is kept in memory, for "Save recording" after the fact. */
export class MemoryRecording {
  private readonly lines: string[] = [];
  readonly recorder: Recorder;

  constructor(limit = DEFAULT_RECORDING_LIMIT) {
    this.recorder = new Recorder((line) => this.lines.push(line), limit);
  }

  add(message: unknown): void {
    this.recorder.add(message);
  }

  toString(): string {
    return this.lines.join('');
  }
}

export interface ReplayResult {
  /** Processes by pid, in order of appearance. */
  models: Map<number, HealthModel>;
  batches: number;
  /** Lines that were no batch. */
  badLines: number;
  /** The last line was cut off (the writer was killed); everything before it counts. */
  truncated: boolean;
}

export interface ReplayOptions extends HealthModelOptions {
  /** Called after each batch, with its process's model. */
  onBatch?: (batch: DecodedBatch, model: HealthModel) => void;
  /** False: leave the models as the last batch left them (a page that looks at a "running" program). Default true. */
  end?: boolean;
  /** More processes than this are not followed. */
  maxProcesses?: number;
}

/** Feeds a recording into models, one per process. Lines that are not batches are counted and skipped. */
export class Replay implements ReplayResult {
  readonly models = new Map<number, HealthModel>();
  batches = 0;
  badLines = 0;
  truncated = false;

  constructor(private readonly options: ReplayOptions = {}) {}

  /** One line. `last`: nothing follows, so a line that does not parse was cut off. */
  line(text: string, last = false): void {
    if (text.trim() === '') return;
    let message: unknown;
    try {
      if (text.length > MAX_LINE) throw new RangeError('line too long');
      message = JSON.parse(text);
    } catch {
      if (last) this.truncated = true;
      else this.badLines++;
      return;
    }
    const type = typeof message === 'object' && message !== null ? (message as { type?: unknown }).type : undefined;
    if (type !== 'batch') {
      // Replies and requests may stand in a file that the probe wrote by itself.
      if (type !== 'reply' && type !== 'request') this.badLines++;
      return;
    }
    const batch = decodeBatch(message);
    let model = this.models.get(batch.pid);
    if (model === undefined) {
      if (this.models.size >= (this.options.maxProcesses ?? 1_000)) {
        this.badLines++;
        return;
      }
      model = new HealthModel(this.options);
      this.models.set(batch.pid, model);
    }
    model.ingest(batch);
    this.batches++;
    this.options.onBatch?.(batch, model);
  }

  finish(): this {
    if (this.options.end !== false) for (const model of this.models.values()) model.end();
    return this;
  }
}

/** Replays a whole recording, given as its text. */
export function replay(recording: string, options: ReplayOptions = {}): ReplayResult {
  const result = new Replay(options);
  let from = 0;
  while (from < recording.length) {
    const newline = recording.indexOf('\n', from);
    const to = newline < 0 ? recording.length : newline;
    result.line(recording.slice(from, to), newline < 0);
    from = to + 1;
  }
  return result.finish();
}
