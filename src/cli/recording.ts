/** The event stream on disk: one JSON line per probe batch, of all processes, in order of arrival. */
import { createReadStream, createWriteStream, type WriteStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { HealthModel } from '../health';
import { decodeBatch } from '../shared/batch';
import { UsageError } from './args';

export class RecordingFile {
  private readonly stream: WriteStream;
  private error: Error | undefined;

  constructor(private readonly file: string) {
    this.stream = createWriteStream(file, { encoding: 'utf8' });
    this.stream.on('error', (error) => {
      this.error ??= error;
    });
  }

  add(batch: unknown): void {
    if (!this.error) this.stream.write(`${JSON.stringify(batch)}\n`);
  }

  /** @throws UsageError when the file could not be written */
  async close(): Promise<void> {
    if (!this.error) await new Promise<void>((resolve) => this.stream.end(() => resolve()));
    if (this.error) throw new UsageError(`The recording "${this.file}" can't be written: ${this.error.message}. Choose another place.`);
  }
}

export interface ReplayedProcess {
  pid: number;
  /** `argv` of the process, as its hello told. */
  program: string;
  model: HealthModel;
}

/** Feeds a recording to a model per process, in the order in which they appeared. Lines that are no batch are counted. */
export async function replayRecording(file: string): Promise<{ processes: ReplayedProcess[]; badLines: number }> {
  const processes = new Map<number, ReplayedProcess>();
  let badLines = 0;
  let lines = 0;
  try {
    for await (const line of createInterface({ input: createReadStream(file, 'utf8'), crlfDelay: Number.POSITIVE_INFINITY })) {
      if (line.trim() === '') continue;
      lines += 1;
      const batch = decodeBatch(parse(line));
      if (batch.pid === 0 || batch.seq === 0) {
        badLines += 1;
        continue;
      }
      let known = processes.get(batch.pid);
      if (!known) {
        known = { pid: batch.pid, program: '', model: new HealthModel() };
        processes.set(batch.pid, known);
      }
      if (batch.hello) known.program ||= batch.hello.argv.join(' ');
      known.model.ingest(batch);
    }
  } catch (error) {
    throw new UsageError(`"${file}" can't be read: ${(error as Error).message}.`);
  }
  if (processes.size === 0) {
    const why = lines === 0 ? 'is empty' : 'has no line that is a probe batch';
    throw new UsageError(`"${file}" ${why}. Make a recording with "run --record FILE", or the panel's "Save Recording".`);
  }
  for (const { model } of processes.values()) model.end();
  return { processes: [...processes.values()], badLines };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
