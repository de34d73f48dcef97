/** One DAP stream: two Node streams, framed. Knows nothing of requests and sessions. */
import type { Readable, Writable } from 'node:stream';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { encodeFrame, FrameReader, type FramingFault } from './framing';

export class DapConnection {
  /** Set by the owner before the first message can arrive (streams deliver on later turns only). */
  onMessage: (message: DebugProtocol.ProtocolMessage) => void = () => {};
  onFault: (fault: FramingFault) => void = () => {};
  /** Called once, when either direction has ended. */
  onClose: (error?: Error) => void = () => {};
  private closed = false;

  constructor(
    input: Readable,
    private readonly output: Writable,
    /** Ends what is behind the streams (socket, process). */
    private readonly end: () => void = () => output.end(),
  ) {
    const reader = new FrameReader(
      (message) => this.onMessage(message),
      (fault) => this.onFault(fault),
    );
    input.on('data', (chunk: Buffer) => {
      if (!this.closed) reader.push(chunk);
    });
    input.on('end', () => this.finish());
    input.on('close', () => this.finish());
    input.on('error', (error) => this.finish(error));
    output.on('error', (error) => this.finish(error));
  }

  get isOpen(): boolean {
    return !this.closed;
  }

  /** Queues one message; false when the connection is gone. */
  send(message: DebugProtocol.ProtocolMessage): boolean {
    if (this.closed || !this.output.writable) return false;
    this.output.write(encodeFrame(message));
    return true;
  }

  /** Ends the stream; `onClose` follows. Safe to call twice. */
  close(): void {
    if (this.closed) return;
    this.end();
    this.finish();
  }

  private finish(error?: Error): void {
    if (this.closed) return;
    this.closed = true;
    this.onClose(error);
  }
}
