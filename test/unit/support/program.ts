/**
 * Writes what a probe would send, as a story: `const worker = p.task('worker', { at: 'app.py:10 main' }); p.after(500); …`.
 * Everything goes through the real wire (JSON, base64 rows, definitions), so the tests see what the adapter sees.
 */

import { HealthModel, type HealthModelOptions } from '../../../src/health';
import { decodeBatch } from '../../../src/shared/batch';
import type { Finding, FindingCode } from '../../../src/shared/findings';
import {
  CancelReason,
  ExitFlag,
  LockKind,
  LockOp,
  Op,
  Outcome,
  type ProbeBatch,
  type ProbeDefs,
  type ProbeHello,
  type ProbeNote,
  ScopeKind,
  Wait,
} from '../../../src/shared/wire';

export const PID = 4242;
const TICK_MS = 100;

/** `db.py:41 fetch`; a file without a folder is put into the user's project. */
type Place = string;
/** Leaf first. */
type Places = Place | Place[];

export interface ProgramOptions extends HealthModelOptions {
  hello?: Partial<ProbeHello>;
}

export class Program {
  readonly model: HealthModel;
  /** Every message so far, as it would be recorded. */
  readonly messages: ProbeBatch[] = [];
  private rows: number[] = [];
  private notes: ProbeNote[] = [];
  private defs: ProbeDefs = {};
  private readonly strings = new Map<string, number>();
  private readonly frames = new Map<string, number>();
  private readonly stacks = new Map<string, number>();
  private nextAddress = 0x7f00_0000_1000;
  private ns = 0;
  private seq = 0;

  constructor(options: ProgramOptions = {}) {
    this.model = new HealthModel(options);
    this.send({
      hello: {
        wire: 1,
        python: '3.12.1',
        implementation: 'CPython',
        executable: '/usr/bin/python3',
        argv: ['app.py'],
        cwd: '/home/me/project',
        parentPid: 1,
        libraries: {},
        detail: 'standard',
        epochMs: 1_700_000_000_000,
        ...options.hello,
      },
    });
  }

  // --- time and messages ---------------------------------------------------------------------------------------

  /** ms since the probe's start. */
  get now(): number {
    return this.ns / 1e6;
  }

  /** Time goes by; the probe ticks all the while. */
  after(ms: number): this {
    const end = this.ns + ms * 1e6;
    while (this.ns < end) {
      this.ns = Math.min(end, this.ns + TICK_MS * 1e6);
      this.send();
    }
    return this;
  }

  /** Time goes by inside one tick. */
  skip(ms: number): this {
    this.ns += ms * 1e6;
    return this;
  }

  send(extra: Partial<ProbeBatch> = {}): this {
    const batch: ProbeBatch = { type: 'batch', pid: PID, seq: ++this.seq, t: this.ns, ...extra };
    if (this.rows.length > 0)
      batch.rows = Buffer.from(BigInt64Array.from(this.rows, (number) => BigInt(Math.trunc(number))).buffer).toString('base64');
    if (Object.keys(this.defs).length > 0) batch.defs = this.defs;
    if (this.notes.length > 0) batch.notes = this.notes;
    this.rows = [];
    this.defs = {};
    this.notes = [];
    const message = JSON.parse(JSON.stringify(batch)) as ProbeBatch;
    this.messages.push(message);
    this.model.ingest(decodeBatch(message));
    return this;
  }

  /** The program ends by itself and says so. */
  bye(): this {
    this.send({ bye: true });
    this.model.end();
    return this;
  }

  /** The stream breaks off. */
  killed(): this {
    this.send();
    this.model.end();
    return this;
  }

  recording(): string {
    return this.messages.map((message) => `${JSON.stringify(message)}\n`).join('');
  }

  // --- definitions ------------------------------------------------------------------------------------------------

  string(text: string): number {
    let id = this.strings.get(text);
    if (id === undefined) {
      id = this.strings.size + 1;
      this.strings.set(text, id);
      if (this.defs.strings === undefined) this.defs.strings = [];
      this.defs.strings.push([id, text]);
    }
    return id;
  }

  stack(places: Places | undefined): number {
    if (places === undefined) return 0;
    const list = typeof places === 'string' ? [places] : places;
    const key = list.join('|');
    const known = this.stacks.get(key);
    if (known !== undefined) return known;
    const frames = list.map((place) => this.frame(place));
    const id = this.stacks.size + 1;
    this.stacks.set(key, id);
    if (this.defs.stacks === undefined) this.defs.stacks = [];
    this.defs.stacks.push([id, ...frames]);
    return id;
  }

  private frame(place: Place): number {
    const known = this.frames.get(place);
    if (known !== undefined) return known;
    const match = /^(.*):(\d+) (.+)$/.exec(place);
    if (match === null) throw new Error(`a place is written "file.py:41 function", not "${place}"`);
    const [, file, line, func] = match as unknown as [string, string, string, string];
    const path = file.includes('/') || file.startsWith('<') ? file : `/home/me/project/${file}`;
    const id = this.frames.size + 1;
    this.frames.set(place, id);
    const entry: [number, number, number, number] = [id, this.string(path), this.string(func), Number(line)];
    if (this.defs.frames === undefined) this.defs.frames = [];
    this.defs.frames.push(entry);
    return id;
  }

  address(): number {
    this.nextAddress += 64;
    return this.nextAddress;
  }

  row(op: Op, obj: number, task = 0, aux = 0, stack = 0): this {
    this.ns += 1_000;
    this.rows.push(op, this.ns, obj, task, aux, stack);
    return this;
  }

  note(note: ProbeNote): this {
    this.notes.push(note);
    return this.row(Op.Note, 0, 0, this.notes.length - 1);
  }

  // --- tasks -------------------------------------------------------------------------------------------------------

  task(name: string, options: { coroutine?: string; by?: number; at?: Places; address?: number } = {}): number {
    const address = options.address ?? this.address();
    this.row(Op.TaskNew, address, options.by ?? 0, this.string(options.coroutine ?? name), this.stack(options.at ?? `app.py:1 main`));
    if (name !== '') this.row(Op.TaskName, address, 0, this.string(name));
    return address;
  }

  end(task: number, outcome: Outcome = Outcome.Ok, exception?: string, at?: Places): this {
    return this.row(Op.TaskEnd, task, exception === undefined ? 0 : this.string(exception), outcome, this.stack(at));
  }

  waits(task: number, kind: Wait, options: { on?: number; at?: Places } = {}): this {
    return this.row(Op.TaskWait, task, options.on ?? 0, kind, this.stack(options.at));
  }

  cancel(task: number, options: { by?: number; scope?: number; at?: Places } = {}): this {
    return this.row(Op.TaskCancel, task, options.by ?? 0, options.scope ?? 0, this.stack(options.at));
  }

  // --- scopes ------------------------------------------------------------------------------------------------------

  enter(host: number, options: { kind?: ScopeKind; at?: Places; address?: number } = {}): number {
    const address = options.address ?? this.address();
    this.row(Op.ScopeEnter, address, host, options.kind ?? ScopeKind.AnyioCancelScope, this.stack(options.at ?? 'app.py:20 body'));
    return address;
  }

  exit(scope: number, by: number, options: { flags?: ExitFlag; at?: Places } = {}): this {
    return this.row(Op.ScopeExit, scope, by, options.flags ?? 0, this.stack(options.at));
  }

  leaving(scope: number, by: number, flags: ExitFlag, at?: Places): this {
    return this.row(Op.ScopeLeaving, scope, by, flags, this.stack(at));
  }

  cancelScope(scope: number, options: { by?: number; reason?: CancelReason; at?: Places } = {}): this {
    return this.row(Op.ScopeCancel, scope, options.by ?? 0, options.reason ?? CancelReason.Explicit, this.stack(options.at));
  }

  // --- locks -------------------------------------------------------------------------------------------------------

  lock(kind: LockKind = LockKind.Lock, options: { name?: string; at?: Places; capacity?: number } = {}): number {
    const address = this.address();
    this.row(Op.LockNew, address, 0, kind, this.stack(options.at));
    this.row(Op.LockMeta, address, options.capacity ?? -1, options.name === undefined ? 0 : this.string(options.name));
    return address;
  }

  acquires(task: number, lock: number, at?: Places): this {
    return this.row(Op.LockWait, lock, task, LockOp.Acquire, this.stack(at));
  }

  lockWait(task: number, lock: number, op: LockOp, at?: Places): this {
    return this.row(Op.LockWait, lock, task, op, this.stack(at));
  }

  lockWaitEnd(task: number, lock: number, failed = false): this {
    return this.row(Op.LockWaitEnd, lock, task, failed ? 1 : 0);
  }

  holds(task: number, lock: number, at?: Places): this {
    return this.row(Op.LockHold, lock, task, 0, this.stack(at));
  }

  frees(task: number, lock: number): this {
    return this.row(Op.LockFree, lock, task);
  }

  // --- what came of it --------------------------------------------------------------------------------------------

  /** Codes of the findings at these severities, sorted, each as often as there are findings. */
  codes(...severities: Finding['severity'][]): FindingCode[] {
    const wanted = severities.length === 0 ? ['error', 'warning'] : severities;
    return this.model
      .findings()
      .filter((finding) => wanted.includes(finding.severity))
      .map((finding) => finding.code)
      .sort();
  }

  /** The only finding with that code. */
  finding(code: FindingCode): Finding {
    const all = this.model.findings().filter((finding) => finding.code === code);
    if (all.length !== 1) {
      throw new Error(`expected one ${code}, got ${all.length}:\n${JSON.stringify(this.model.findings(), null, 1)}`);
    }
    return all[0]!;
  }
}

export { CancelReason, ExitFlag, LockKind, LockOp, Op, Outcome, ScopeKind, Wait };

/** `db.py:41` of a location, for short assertions. */
export function spot(place: { file: string; line: number } | undefined | null): string {
  return place === undefined || place === null ? 'nowhere' : `${place.file.slice(place.file.lastIndexOf('/') + 1)}:${place.line}`;
}
