/**
 * DAP's wire framing (`Content-Length: N\r\n\r\n` + N bytes of UTF-8 JSON), read incrementally and bounded.
 *
 * Own code rather than a library's because libraries re-concatenate the whole buffer per chunk (quadratic for large answers)
 * and trust the length they are told.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';

/** Largest body accepted, bytes. debugpy's biggest legitimate answers (a long `variables` page) are a few MB. */
export const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** Largest header block accepted, bytes; more without a blank line is garbage. */
const MAX_HEADER_BYTES = 8 * 1024;

/** What was thrown away, and why: shown in the log, never silently lost. */
export interface FramingFault {
  kind: 'garbage' | 'oversized' | 'invalid-json';
  /** Bytes dropped. */
  bytes: number;
  /** First bytes of what was dropped, printable. */
  sample: string;
}

/** Encodes one message with its header. */
export function encodeFrame(message: DebugProtocol.ProtocolMessage): Buffer {
  const body = Buffer.from(JSON.stringify(message), 'utf8');
  return Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\n\r\n`, 'latin1'), body]);
}

/**
 * Push bytes in, get messages out. Garbage between frames is skipped up to the next `Content-Length`; a frame that is too
 * large is skipped without being buffered; a body that is no JSON object is dropped. Each loss is reported once.
 */
export class FrameReader {
  private chunks: Buffer[] = [];
  private buffered = 0;
  /** Bytes of the body still to come, -1 while reading a header. */
  private expected = -1;
  /** Bytes of an oversized body still to be skipped. */
  private skipping = 0;

  constructor(
    private readonly onMessage: (message: DebugProtocol.ProtocolMessage) => void,
    private readonly onFault: (fault: FramingFault) => void = () => {},
    private readonly maxBodyBytes = MAX_BODY_BYTES,
  ) {}

  push(chunk: Buffer): void {
    let rest: Buffer | undefined = chunk;
    if (this.skipping > 0) {
      const skip = Math.min(this.skipping, chunk.length);
      this.skipping -= skip;
      rest = skip < chunk.length ? chunk.subarray(skip) : undefined;
    }
    if (!rest) return;
    this.chunks.push(rest);
    this.buffered += rest.length;
    while (this.step()) {
      /* one header or one body per step */
    }
  }

  /** Takes one header or body out of the buffer; false when more bytes are needed. */
  private step(): boolean {
    if (this.expected >= 0) return this.readBody();
    if (this.buffered === 0) return false;
    const buffer = this.join();
    const start = buffer.indexOf('Content-Length:', 0, 'latin1');
    if (start > 0) {
      this.drop(buffer, start, 'garbage');
      return true;
    }
    if (start < 0) {
      // Keep what may be the beginning of a header that is cut by the chunk's end.
      if (buffer.length > MAX_HEADER_BYTES) this.drop(buffer, buffer.length - 'Content-Length:'.length, 'garbage');
      return false;
    }
    const end = buffer.indexOf('\r\n\r\n', 0, 'latin1');
    if (end < 0) {
      if (buffer.length <= MAX_HEADER_BYTES) return false;
      this.drop(buffer, 'Content-Length:'.length, 'garbage');
      return true;
    }
    const match = /^Content-Length:\s*(\d{1,15})\s*(?:\r\n|$)/i.exec(buffer.toString('latin1', 0, end));
    if (!match) {
      this.drop(buffer, 'Content-Length:'.length, 'garbage');
      return true;
    }
    const length = Number(match[1]);
    this.replace(buffer.subarray(end + 4));
    if (length > this.maxBodyBytes) {
      this.onFault({ kind: 'oversized', bytes: length, sample: printable(this.peek(80)) });
      this.skip(length);
      return this.buffered > 0;
    }
    this.expected = length;
    return true;
  }

  private readBody(): boolean {
    if (this.buffered < this.expected) return false;
    const buffer = this.join();
    const body = buffer.subarray(0, this.expected);
    this.replace(buffer.subarray(this.expected));
    this.expected = -1;
    const message = parseMessage(body);
    if (message) this.onMessage(message);
    else this.onFault({ kind: 'invalid-json', bytes: body.length, sample: printable(body.subarray(0, 80)) });
    return true;
  }

  private skip(length: number): void {
    const here = Math.min(length, this.buffered);
    const buffer = this.join();
    this.replace(buffer.subarray(here));
    this.skipping = length - here;
  }

  private drop(buffer: Buffer, bytes: number, kind: FramingFault['kind']): void {
    this.onFault({ kind, bytes, sample: printable(buffer.subarray(0, Math.min(bytes, 80))) });
    this.replace(buffer.subarray(bytes));
  }

  /** One buffer of all chunks; joins at most once per complete header or body. */
  private join(): Buffer {
    if (this.chunks.length === 1) return this.chunks[0]!;
    const joined = Buffer.concat(this.chunks, this.buffered);
    this.chunks = [joined];
    return joined;
  }

  private peek(bytes: number): Buffer {
    return this.buffered === 0 ? Buffer.alloc(0) : this.join().subarray(0, bytes);
  }

  private replace(rest: Buffer): void {
    this.chunks = rest.length > 0 ? [rest] : [];
    this.buffered = rest.length;
  }
}

function parseMessage(body: Buffer): DebugProtocol.ProtocolMessage | undefined {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    return typeof (value as { type?: unknown }).type === 'string' ? (value as DebugProtocol.ProtocolMessage) : undefined;
  } catch {
    return undefined;
  }
}

function printable(bytes: Buffer): string {
  return bytes.toString('latin1').replace(/[^\x20-\x7e]/g, '.');
}
