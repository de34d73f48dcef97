/**
 * From the wire to the model: one probe batch with its rows unpacked. What comes from the debuggee is not trusted: whatever
 * has a wrong type, a wrong width, an impossible op or time, or an absurd size is left out and counted in {@link DecodedBatch.malformed}; a batch
 * never throws and never takes the session down.
 */
import { type ProbeBatch, type ProbeHello, type ProbeNote, ROW_WIDTH, type SystemSample } from './wire';

/** Rows of one batch that are looked at; a probe sends far fewer. What is beyond is counted as malformed. */
export const MAX_ROWS = 1_000_000;
/** New definitions of one kind in one batch. */
export const MAX_DEFS = 200_000;
export const MAX_NOTES = 10_000;
/** Longer texts are cut (exception messages can be megabytes). */
export const MAX_TEXT = 4_096;
export const MAX_STACK = 256;

/** A {@link ProbeBatch} that is safe to use: every field has its type, every row its width and finite numbers. */
export interface DecodedBatch {
  pid: number;
  seq: number;
  /** Time of sending, ns since the probe's start. */
  t: number;
  /** {@link ROW_WIDTH} numbers per row; see wire.ts. */
  rows: Float64Array;
  strings: [id: number, text: string][];
  frames: [id: number, file: number, func: number, line: number][];
  stacks: [id: number, ...frames: number[]][];
  /** Indices are those that `Op.Note` rows name; a malformed note leaves a hole. */
  notes: (ProbeNote | undefined)[];
  sys?: SystemSample;
  hello?: ProbeHello;
  /** Lost in the probe's full buffers since its start, cumulative. */
  dropped?: { rows: number; stacks: number; notes: number };
  bye: boolean;
  /** Parts of this batch that were left out because they were malformed. */
  malformed: number;
}

const EMPTY_ROWS = new Float64Array(0);
const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;
/** Which half of a 64-bit number comes first in memory. */
const LOW = LITTLE_ENDIAN ? 0 : 1;
const HIGH = 1 - LOW;

/** Unpacks one batch. Cost: about 20 ns a row. Never throws. */
export function decodeBatch(message: unknown): DecodedBatch {
  const batch: DecodedBatch = {
    pid: 0,
    seq: 0,
    t: 0,
    rows: EMPTY_ROWS,
    strings: [],
    frames: [],
    stacks: [],
    notes: [],
    bye: false,
    malformed: 0,
  };
  if (!isRecord(message)) {
    batch.malformed = 1;
    return batch;
  }
  const raw = message as Partial<Record<keyof ProbeBatch, unknown>>;
  if (isCount(raw.pid)) batch.pid = raw.pid;
  else batch.malformed++;
  if (isCount(raw.seq)) batch.seq = raw.seq;
  else batch.malformed++;
  if (isFiniteNumber(raw.t) && raw.t >= 0) batch.t = raw.t;
  else batch.malformed++;
  batch.bye = raw.bye === true;
  if (raw.rows !== undefined) decodeRows(raw.rows, isFiniteNumber(raw.base) ? raw.base : 0, batch);
  if (raw.defs !== undefined) decodeDefs(raw.defs, batch);
  if (raw.notes !== undefined) decodeNotes(raw.notes, batch);
  if (raw.sys !== undefined) batch.sys = decodeSystem(raw.sys, batch);
  if (raw.hello !== undefined) batch.hello = decodeHello(raw.hello, batch);
  if (raw.dropped !== undefined) batch.dropped = decodeDropped(raw.dropped, batch);
  return batch;
}

function decodeRows(raw: unknown, base: number, batch: DecodedBatch): void {
  if (typeof raw !== 'string') {
    batch.malformed++;
    return;
  }
  // A base64 character is 6 bits: refuse to allocate for what would be cut anyway.
  const limit = Math.ceil((MAX_ROWS * ROW_WIDTH * 8 * 4) / 3);
  if (raw.length > limit) {
    batch.malformed += Math.ceil(((raw.length - limit) * 3) / 4 / (ROW_WIDTH * 8));
    raw = raw.slice(0, limit - (limit % 4));
  }
  let bytes: Uint8Array;
  try {
    bytes = fromBase64(raw as string);
  } catch {
    batch.malformed++;
    return;
  }
  const rowBytes = ROW_WIDTH * 8;
  let count = Math.floor(bytes.byteLength / rowBytes);
  if (count * rowBytes !== bytes.byteLength) batch.malformed++;
  if (count > MAX_ROWS) count = MAX_ROWS;
  if (count === 0) return;
  const aligned = bytes.byteOffset % 8 === 0 ? bytes : bytes.slice();
  if (!LITTLE_ENDIAN) swap64(aligned);
  // In place: each int64 becomes the float64 of its value (exact up to 2^53; addresses and times are smaller).
  const words = new Int32Array(aligned.buffer, aligned.byteOffset, count * ROW_WIDTH * 2);
  const rows = new Float64Array(aligned.buffer, aligned.byteOffset, count * ROW_WIDTH);
  for (let at = 0, word = 0; at < rows.length; at++, word += 2) {
    rows[at] = words[word + HIGH]! * 0x1_0000_0000 + (words[word + LOW]! >>> 0);
  }
  // Bad rows are squeezed out in place; the common case (none) only reads.
  let write = 0;
  for (let read = 0; read < rows.length; read += ROW_WIDTH) {
    const op = rows[read]!;
    rows[read + 1]! -= base;
    if (op <= 0 || op > 0xffff || rows[read + 1]! < 0) {
      batch.malformed++;
      continue;
    }
    if (write !== read) rows.copyWithin(write, read, read + ROW_WIDTH);
    write += ROW_WIDTH;
  }
  batch.rows = write === rows.length ? rows : rows.subarray(0, write);
}

function decodeDefs(raw: unknown, batch: DecodedBatch): void {
  if (!isRecord(raw)) {
    batch.malformed++;
    return;
  }
  for (const entry of bounded(raw.strings, MAX_DEFS, batch)) {
    if (Array.isArray(entry) && isId(entry[0]) && typeof entry[1] === 'string') batch.strings.push([entry[0], cut(entry[1])]);
    else batch.malformed++;
  }
  for (const entry of bounded(raw.frames, MAX_DEFS, batch)) {
    if (Array.isArray(entry) && isId(entry[0]) && isCount(entry[1]) && isCount(entry[2]) && isFiniteNumber(entry[3])) {
      batch.frames.push([entry[0], entry[1], entry[2], Math.max(0, Math.trunc(entry[3]))]);
    } else batch.malformed++;
  }
  for (const entry of bounded(raw.stacks, MAX_DEFS, batch)) {
    if (Array.isArray(entry) && isId(entry[0]) && entry.length <= 100_000 && entry.every(isCount)) {
      batch.stacks.push((entry.length > MAX_STACK + 1 ? [...entry.slice(0, MAX_STACK + 1), 0] : entry) as [number, ...number[]]);
    } else batch.malformed++;
  }
}

function decodeNotes(raw: unknown, batch: DecodedBatch): void {
  for (const entry of bounded(raw, MAX_NOTES, batch)) {
    if (isRecord(entry) && typeof entry.kind === 'string') batch.notes.push(entry as unknown as ProbeNote);
    else {
      batch.notes.push(undefined);
      batch.malformed++;
    }
  }
}

function decodeSystem(raw: unknown, batch: DecodedBatch): SystemSample | undefined {
  if (!isRecord(raw) || !isFiniteNumber(raw.cpu) || !isFiniteNumber(raw.rss)) {
    batch.malformed++;
    return undefined;
  }
  const sample: SystemSample = {
    cpu: Math.max(0, raw.cpu),
    rss: Math.max(0, raw.rss),
    threads: isCount(raw.threads) ? raw.threads : 0,
    fds: isFiniteNumber(raw.fds) ? raw.fds : -1,
  };
  const gc = raw.gc;
  if (isRecord(gc) && isCount(gc.collections) && isFiniteNumber(gc.pauseNs) && isFiniteNumber(gc.longestNs)) {
    sample.gc = { collections: gc.collections, pauseNs: gc.pauseNs, longestNs: gc.longestNs };
  }
  if (isRecord(raw.threadNames)) {
    sample.threadNames = {};
    for (const [ident, name] of Object.entries(raw.threadNames).slice(0, 100)) {
      if (typeof name === 'string') sample.threadNames[ident] = cut(name);
    }
  }
  if (isFiniteNumber(raw.probeNs)) sample.probeNs = raw.probeNs;
  return sample;
}

function decodeHello(raw: unknown, batch: DecodedBatch): ProbeHello | undefined {
  if (!isRecord(raw) || !isFiniteNumber(raw.wire)) {
    batch.malformed++;
    return undefined;
  }
  const libraries: Record<string, string> = {};
  if (isRecord(raw.libraries)) {
    for (const [name, version] of Object.entries(raw.libraries).slice(0, 500)) {
      if (typeof version === 'string') libraries[cut(name)] = cut(version);
    }
  }
  const detail = raw.detail;
  return {
    wire: raw.wire,
    python: text(raw.python),
    implementation: text(raw.implementation),
    executable: text(raw.executable),
    argv: Array.isArray(raw.argv) ? raw.argv.filter((arg): arg is string => typeof arg === 'string').slice(0, 1_000) : [],
    cwd: text(raw.cwd),
    parentPid: isCount(raw.parentPid) ? raw.parentPid : 0,
    libraries,
    detail: detail === 'light' || detail === 'full' ? detail : 'standard',
    epochMs: isFiniteNumber(raw.epochMs) ? raw.epochMs : 0,
  };
}

function decodeDropped(raw: unknown, batch: DecodedBatch): DecodedBatch['dropped'] {
  if (!isRecord(raw)) {
    batch.malformed++;
    return undefined;
  }
  const count = (value: unknown) => (isCount(value) ? value : 0);
  return { rows: count(raw.rows), stacks: count(raw.stacks), notes: count(raw.notes) };
}

function bounded(raw: unknown, limit: number, batch: DecodedBatch): unknown[] {
  if (raw === undefined) return [];
  if (!Array.isArray(raw)) {
    batch.malformed++;
    return [];
  }
  if (raw.length <= limit) return raw;
  batch.malformed += raw.length - limit;
  return raw.slice(0, limit);
}

function fromBase64(text: string): Uint8Array {
  // The model also runs in a page (the panel's own test harness), where there is no Buffer.
  if (typeof Buffer !== 'undefined') return Buffer.from(text, 'base64');
  return Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

function swap64(bytes: Uint8Array): void {
  for (let at = 0; at + 8 <= bytes.length; at += 8) bytes.subarray(at, at + 8).reverse();
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isFiniteNumber(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isId(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function text(value: unknown): string {
  return typeof value === 'string' ? cut(value) : '';
}

function cut(value: string): string {
  return value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value;
}
