/** The event stream on disk: one JSON line per probe batch, of all processes, in order of arrival. */
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { type HealthModel, Recorder, Replay } from '../health';
import { UsageError } from './args';

export class RecordingFile {
  private readonly stream: WriteStream;
  private readonly recorder: Recorder;
  private error: Error | undefined;

  constructor(private readonly file: string) {
    this.stream = createWriteStream(file, { encoding: 'utf8' });
    this.stream.on('error', (error) => {
      this.error ??= error;
    });
    this.recorder = new Recorder((line) => {
      if (!this.error) this.stream.write(line);
    });
  }

  add(batch: unknown): void {
    this.recorder.add(batch);
  }

  /** @returns how many batches did not fit. @throws UsageError when the file could not be written */
  async close(): Promise<number> {
    if (!this.error) await new Promise<void>((resolve) => this.stream.end(() => resolve()));
    if (this.error) throw new UsageError(`The recording "${this.file}" can't be written: ${this.error.message}. Choose another place.`);
    return this.recorder.skipped;
  }
}

export interface Replayed {
  /** By pid, in order of appearance. */
  processes: { pid: number; program: string; model: HealthModel }[];
  badLines: number;
  truncated: boolean;
}

/** Feeds a recording to a model per process. @throws UsageError when there is nothing in it */
export async function replayRecording(file: string): Promise<Replayed> {
  const programs = new Map<number, string>();
  const replay = new Replay({
    onBatch: (batch) => {
      if (batch.hello && !programs.has(batch.pid)) programs.set(batch.pid, batch.hello.argv.join(' '));
    },
  });
  try {
    // One line behind, so that the last one is known as such: a killed writer may have left half of it.
    let line: string | undefined;
    for await (const next of createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line !== undefined) replay.line(line);
      line = next;
    }
    if (line !== undefined) replay.line(line, true);
  } catch (error) {
    throw new UsageError(`"${file}" can't be read: ${(error as Error).message}.`);
  }
  if (replay.models.size === 0) {
    throw new UsageError(`"${file}" has no probe batch in it. Make a recording with "run --record FILE", or the panel's "Save Recording".`);
  }
  const { models, badLines, truncated } = replay.finish();
  return { processes: [...models].map(([pid, model]) => ({ pid, program: programs.get(pid) ?? '', model })), badLines, truncated };
}
