/**
 * What leaves for the client, in order.
 *
 * A message whose hooks are still at work keeps its place and holds back later ones, so that `stopped` never overtakes
 * the response that came before it. Without pending hooks a message leaves synchronously.
 */
import type { DebugProtocol } from '@vscode/debugprotocol';
import { isPromise } from './hooks';
import type { Log } from './log';

type Message = DebugProtocol.ProtocolMessage;

/** A reserved place in the order. Exactly one of the two takes effect; later calls return false. */
export interface Place {
  /** Puts the message here; false when the place was given up already. */
  fill(leave: () => void): boolean;
  /** Gives the place up. */
  release(): void;
}

interface Slot {
  leave: (() => void) | undefined;
  ready: boolean;
}

export class OrderedOutput {
  private readonly slots: Slot[] = [];

  constructor(
    private readonly send: (message: Message) => void,
    private readonly log: Log,
  ) {}

  /** Queues a message, or a promise of one; `null` is nothing to send. With `place`, there if it is still free. */
  push(message: Message | null | Promise<Message | null>, place?: Place): void {
    if (!isPromise<Message | null>(message)) {
      if (!message) place?.release();
      else if (!place?.fill(() => this.send(message))) this.run(() => this.send(message));
      return;
    }
    const reserved = this.reserve();
    message.then(
      (value) => (value ? reserved.fill(() => this.send(value)) : reserved.release()),
      (error) => {
        this.log.error('A message was lost', error);
        reserved.release();
      },
    );
  }

  /** Runs something in its turn. */
  run(leave: () => void): void {
    if (this.slots.length === 0) leave();
    else this.slots.push({ ready: true, leave });
  }

  /** Holds back everything later until the place is filled or released. */
  reserve(): Place {
    const slot: Slot = { ready: false, leave: undefined };
    this.slots.push(slot);
    const settle = (leave: (() => void) | undefined): boolean => {
      if (slot.ready) return false;
      slot.ready = true;
      slot.leave = leave;
      this.flush();
      return true;
    };
    return { fill: (leave) => settle(leave), release: () => void settle(undefined) };
  }

  private flush(): void {
    while (this.slots[0]?.ready) this.slots.shift()!.leave?.();
  }
}
