/** The proxy with interceptors that misbehave: messages keep their order and their way whatever a feature does. */
import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { type Interceptor, UserError } from '../../src/adapter';
import { DapProxy } from '../../src/adapter/DapProxy';
import { DebugClient } from '../../src/adapter/DebugClient';
import { DapConnection } from '../../src/adapter/dap/connection';
import { encodeFrame, FrameReader } from '../../src/adapter/dap/framing';

type Message = DebugProtocol.ProtocolMessage & Record<string, unknown> & { command?: string; event?: string; request_seq?: number };
const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** A proxy between a recording client and a server that this test plays, over real framing. */
function wire(...interceptors: Interceptor[]) {
  const toServer = new PassThrough();
  const fromServer = new PassThrough();
  const errors: string[] = [];
  const log = { trace() {}, info() {}, warn() {}, error: (text: string) => void errors.push(text) };
  const received: Message[] = [];
  const proxy = new DapProxy((message) => received.push(message as Message), interceptors, log);
  const client = new DebugClient(new DapConnection(fromServer, toServer), log);
  proxy.attach(client);
  const asked: Message[] = [];
  let answer: (request: Message) => object[] = (request) => [respond(request)];
  let seq = 100;
  const say = (...messages: object[]) =>
    fromServer.write(
      Buffer.concat(messages.map((message) => encodeFrame({ ...message, seq: seq++ } as unknown as DebugProtocol.ProtocolMessage))),
    );
  const reader = new FrameReader((message) => {
    asked.push(message as Message);
    if (message.type === 'request') say(...answer(message as Message));
  });
  toServer.on('data', (chunk: Buffer) => reader.push(chunk));
  return {
    proxy,
    received,
    asked,
    errors,
    say,
    request: (n: number, command: string, args?: object) =>
      proxy.fromClient({ seq: n, type: 'request', command, arguments: args } as unknown as Message),
    onRequest: (handler: (request: Message) => object[]) => {
      answer = handler;
    },
    /** What the client got, short. */
    heard: () =>
      received.map((m) =>
        m.type === 'response' ? `${m.command}:${m.request_seq}${m.success ? '' : '!'}` : m.type === 'event' ? m.event : `?${m.command}`,
      ),
  };
}

const respond = (request: Message, body: object = {}) => ({
  type: 'response',
  request_seq: request.seq,
  command: request.command,
  success: true,
  body,
});
const event = (name: string, body: object = {}) => ({ type: 'event', event: name, body });

describe('interceptors', () => {
  it('numbers: each side sees its own, gapless and in order', async () => {
    const w = wire();
    w.request(7, 'a');
    w.say(event('x'));
    w.request(3, 'b');
    await pause(20);
    assert.deepEqual(
      w.asked.map(({ seq }) => seq),
      [1, 2],
    );
    assert.deepEqual(
      w.received.map(({ seq }) => seq),
      [1, 2, 3],
    );
    assert.deepEqual(new Set(w.heard()), new Set(['a:7', 'x', 'b:3']));
  });

  it('`cancel` names the request as the server knows it', async () => {
    const w = wire();
    w.onRequest((request) => (request.command === 'slow' ? [] : [respond(request)]));
    w.request(5, 'first');
    w.request(9, 'slow');
    w.request(10, 'cancel', { requestId: 9 });
    await pause(20);
    assert.deepEqual(w.asked[2]!.arguments, { requestId: 2 });
  });

  it('an answer that an interceptor changes stays before the events that came after it', async () => {
    const w = wire({
      name: 'changes',
      onRequest: (request, next) =>
        request.command === 'continue' ? next(request).then(async (r) => ({ ...r, body: { changed: true } })) : undefined,
    });
    w.onRequest((request) => [respond(request), event('continued'), event('stopped')]);
    w.request(1, 'continue');
    await pause(20);
    assert.deepEqual(w.heard(), ['continue:1', 'continued', 'stopped']);
    assert.deepEqual(w.received[0]!.body, { changed: true });
  });

  it('an answer that takes an interceptor long holds up nobody', async () => {
    const w = wire({
      name: 'slow',
      onRequest: (request, next) =>
        request.command === 'stackTrace'
          ? next(request).then(async (r) => {
              await pause(100);
              return r;
            })
          : undefined,
    });
    w.onRequest((request) => [respond(request), event(`after-${request.command}`)]);
    w.request(1, 'stackTrace');
    w.request(2, 'threads');
    await pause(30);
    assert.deepEqual(w.heard(), ['after-stackTrace', 'threads:2', 'after-threads']);
    await pause(120);
    assert.equal(w.heard().at(-1), 'stackTrace:1');
  });

  it('an event that an interceptor works on holds its place; one that it keeps never appears', async () => {
    const w = wire({
      name: 'events',
      onEvent: (e) =>
        e.event === 'noise'
          ? null
          : e.event === 'stopped'
            ? pause(50).then(() => ({ ...e, body: { seen: true } }) as DebugProtocol.Event)
            : undefined,
    });
    w.say(event('stopped'), event('noise'), event('output'));
    await pause(20);
    assert.deepEqual(w.heard(), []);
    await pause(60);
    assert.deepEqual(w.heard(), ['stopped', 'output']);
    assert.deepEqual(w.received[0]!.body, { seen: true });
  });

  const faults: [string, Interceptor][] = [
    [
      'throws at once',
      { name: 'bad', onRequest: () => assert.fail('boom'), onEvent: () => assert.fail('boom'), onResponse: () => assert.fail('boom') },
    ],
    [
      'rejects',
      {
        name: 'bad',
        onRequest: () => Promise.reject(new Error('boom')),
        onEvent: () => Promise.reject(new Error('boom')),
        onResponse: () => Promise.reject(new Error('boom')),
      },
    ],
    [
      'never answers',
      {
        name: 'bad',
        timeoutMs: 40,
        onRequest: () => new Promise(() => {}),
        onEvent: () => new Promise(() => {}),
        onResponse: () => new Promise(() => {}),
      },
    ],
    [
      'fails after it passed the request on',
      {
        name: 'bad',
        onRequest: async (request, next) => {
          await next(request);
          throw new Error('boom');
        },
      },
    ],
    ['answers nothing', { name: 'bad', onRequest: async () => undefined }],
  ];
  for (const [how, interceptor] of faults) {
    it(`one that ${how} is skipped: the message goes on, once`, async () => {
      const w = wire(interceptor);
      w.request(1, 'threads');
      w.say(event('output'));
      await pause(150);
      assert.deepEqual(w.heard().sort(), ['output', 'threads:1']);
      assert.equal(w.asked.length, 1, 'debugpy is asked once');
      if (how !== 'answers nothing')
        assert.ok(
          w.errors.some((text) => /bad failed/.test(text)),
          'and it is logged',
        );
    });
  }

  it('time in `next` does not count as the interceptor’s own', async () => {
    const w = wire({
      name: 'patient',
      timeoutMs: 30,
      onRequest: (request, next) => next(request).then(async (r) => ({ ...r, body: { mine: true } })),
    });
    w.onRequest((request) => {
      setTimeout(() => w.say(respond(request)), 120);
      return [];
    });
    w.request(1, 'evaluate');
    await pause(200);
    assert.deepEqual(w.received[0]!.body, { mine: true });
    assert.deepEqual(w.errors, []);
  });

  it('a failure on purpose reaches the client with its next step', async () => {
    const w = wire({
      name: 'refuses',
      onRequest: () => {
        throw new UserError('bad-configuration', 'It is {wrong}.', 'Do it right.');
      },
    });
    w.request(1, 'launch');
    await pause(20);
    const [response] = w.received as unknown as DebugProtocol.ErrorResponse[];
    assert.equal(response!.success, false);
    assert.equal(response!.message, 'It is {wrong}. Do it right.');
    assert.equal(response!.body.error?.showUser, true);
    assert.equal(w.asked.length, 0);
  });

  it('order of interceptors: first to last for requests, each sees what the one before made', async () => {
    const trail: string[] = [];
    const link = (name: string): Interceptor => ({
      name,
      onRequest: (request, next) => {
        trail.push(`${name}>`);
        return next({ ...request, arguments: { ...request.arguments, [name]: true } }).then((r) => {
          trail.push(`<${name}`);
          return r;
        });
      },
    });
    const w = wire(link('one'), link('two'));
    w.request(1, 'x', {});
    await pause(20);
    assert.deepEqual(trail, ['one>', 'two>', '<two', '<one']);
    assert.deepEqual(w.asked[0]!.arguments, { one: true, two: true });
  });

  it('held messages wait in order, and go when the last holder lets go; answers to debugpy pass', async () => {
    const w = wire();
    const [first, second] = [w.proxy.hold(), w.proxy.hold()];
    w.request(1, 'a');
    w.request(2, 'b');
    w.say({ type: 'request', command: 'runInTerminal', arguments: {} });
    await pause(10);
    const reverse = w.received.find((m) => m.type === 'request')!;
    w.proxy.fromClient({
      seq: 3,
      type: 'response',
      request_seq: reverse.seq,
      command: 'runInTerminal',
      success: true,
    } as unknown as Message);
    await pause(10);
    assert.deepEqual(
      w.asked.map((m) => `${m.type} ${m.command} ${m.request_seq ?? ''}`),
      ['response runInTerminal 100'],
    );
    first();
    first();
    await pause(10);
    assert.equal(w.asked.length, 1);
    second();
    await pause(10);
    assert.deepEqual(
      w.asked.slice(1).map(({ command }) => command),
      ['a', 'b'],
    );
  });
});
