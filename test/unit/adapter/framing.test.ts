import assert from 'node:assert/strict';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { encodeFrame, FrameReader, type FramingFault } from '../../../src/adapter/dap/framing';

type Message = DebugProtocol.ProtocolMessage & Record<string, unknown>;

function reading(maxBodyBytes?: number) {
  const messages: Message[] = [];
  const faults: FramingFault[] = [];
  const reader = new FrameReader(
    (message) => messages.push(message as Message),
    (fault) => faults.push(fault),
    maxBodyBytes,
  );
  return { messages, faults, reader };
}

const event = (n: number, text = 'é 漢 🎉') => ({ seq: n, type: 'event', event: 'output', body: { text } }) as unknown as Message;

describe('DAP framing', () => {
  it('gives back what was encoded, however the bytes are cut', () => {
    const sent = [event(1), event(2, 'x'.repeat(5_000)), event(3, '')];
    const bytes = Buffer.concat(sent.map(encodeFrame));
    for (const size of [1, 2, 3, 7, 64, 1_000, bytes.length]) {
      const { messages, faults, reader } = reading();
      for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
      assert.deepEqual(messages, sent, `in pieces of ${size}`);
      assert.deepEqual(faults, []);
    }
  });

  it('skips garbage up to the next frame and says so', () => {
    const { messages, faults, reader } = reading();
    reader.push(
      Buffer.concat([
        Buffer.from('Traceback (most recent call last):\n'),
        encodeFrame(event(1)),
        Buffer.from('\0\xff junk'),
        encodeFrame(event(2)),
      ]),
    );
    assert.deepEqual(
      messages.map((m) => m.seq),
      [1, 2],
    );
    assert.deepEqual(
      faults.map((f) => f.kind),
      ['garbage', 'garbage'],
    );
  });

  it('survives headers that lie', () => {
    for (const header of [
      'Content-Length: abc\r\n\r\n',
      'Content-Length: -5\r\n\r\n',
      'Content-Length:\r\n\r\n',
      'Content-Length: 99999999999999999999\r\n\r\n',
    ]) {
      const { messages, reader } = reading();
      reader.push(Buffer.from(header));
      reader.push(encodeFrame(event(1)));
      assert.deepEqual(
        messages.map((m) => m.seq),
        [1],
        header,
      );
    }
  });

  it('takes other headers beside Content-Length', () => {
    const { messages, reader } = reading();
    const body = Buffer.from(JSON.stringify(event(1)));
    reader.push(Buffer.concat([Buffer.from(`Content-Length: ${body.length}\r\nContent-Type: application/json\r\n\r\n`), body]));
    assert.equal(messages.length, 1);
  });

  it('drops bodies that are no JSON object and goes on', () => {
    const { messages, faults, reader } = reading();
    for (const body of ['{"type":', '17', 'null', '[]', '{"no":"type"}'])
      reader.push(Buffer.from(`Content-Length: ${body.length}\r\n\r\n${body}`));
    reader.push(encodeFrame(event(1)));
    assert.deepEqual(
      messages.map((m) => m.seq),
      [1],
    );
    assert.equal(faults.filter((f) => f.kind === 'invalid-json').length, 5);
  });

  it('skips a body above the limit without keeping it, in any pieces', () => {
    for (const size of [10, 100, 10_000]) {
      const { messages, faults, reader } = reading(1_000);
      const bytes = Buffer.concat([encodeFrame(event(1)), encodeFrame(event(2, 'y'.repeat(3_000))), encodeFrame(event(3))]);
      for (let at = 0; at < bytes.length; at += size) reader.push(bytes.subarray(at, at + size));
      assert.deepEqual(
        messages.map((m) => m.seq),
        [1, 3],
      );
      assert.deepEqual(
        faults.map((f) => f.kind),
        ['oversized'],
      );
    }
  });

  it('reads a large body in small chunks in linear time', () => {
    const { messages, reader } = reading();
    const bytes = encodeFrame(event(1, 'z'.repeat(8 * 1024 * 1024)));
    const began = performance.now();
    for (let at = 0; at < bytes.length; at += 4_096) reader.push(bytes.subarray(at, at + 4_096));
    assert.equal(messages.length, 1);
    // Joining per chunk would copy 8 GB.
    assert.ok(performance.now() - began < 1_000, `${performance.now() - began} ms`);
  });
});
