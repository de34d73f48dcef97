/**
 * The stream of one process on disk, so that "Save Recording" has it whole: definitions are sent once, at the start, and a ring in
 * memory would lose them. One JSON line per batch, as the CLI records and `replay` reads.
 */
import { createWriteStream, rmSync, type WriteStream } from 'node:fs';
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Log } from '../adapter';
import type { ProcessRegistry } from './registry';

/** Characters after which a recording stops growing. A busy program at `standard` writes about 0.5 MB/s. */
const LARGEST = 256 * 1024 * 1024;

export class RecordingFile implements vscode.Disposable {
  private stream: WriteStream | undefined;
  private written = 0;
  truncated = false;

  constructor(
    readonly path: string,
    private readonly log: Log,
  ) {}

  append(batch: unknown): void {
    if (this.truncated) return;
    const line = `${JSON.stringify(batch)}\n`;
    this.written += line.length;
    if (this.written > LARGEST) {
      this.truncated = true;
      this.log.warn(`The recording ${this.path} has reached ${LARGEST / 1024 / 1024} MB and ends here`);
      return;
    }
    this.open().write(line);
  }

  /** Copies what there is so far. */
  async copyTo(target: string): Promise<void> {
    const { stream } = this;
    if (!stream) throw new Error('Nothing was recorded: the probe never was in this program.');
    // A callback on an empty write runs once everything before it is on disk.
    await new Promise<void>((resolve, reject) => stream.write('', (error) => (error ? reject(error) : resolve())));
    await copyFile(this.path, target);
  }

  private open(): WriteStream {
    if (!this.stream) {
      this.stream = createWriteStream(this.path, { encoding: 'utf8' });
      this.stream.on('error', (error) => {
        this.truncated = true;
        this.log.error(`The recording ${this.path} could not be written`, error);
      });
    }
    return this.stream;
  }

  dispose(): void {
    this.truncated = true;
    this.stream?.destroy();
    rmSync(this.path, { force: true });
  }
}

/** Records every process of the registry; a recording goes when its process is forgotten. */
export async function registerRecordings(context: vscode.ExtensionContext, registry: ProcessRegistry, log: Log): Promise<void> {
  const folder = join((context.storageUri ?? context.globalStorageUri).fsPath, 'recordings');
  await mkdir(folder, { recursive: true });
  context.subscriptions.push(
    registry.onDidAdd((process) => {
      const recording = new RecordingFile(join(folder, `${process.id}.jsonl`), log);
      process.recording = recording;
      const off = process.source.probe.onBatch((_batch, raw) => recording.append(raw));
      process.disposables.push(recording, new vscode.Disposable(off));
    }),
  );
}
