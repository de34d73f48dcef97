/** Small containers with a bound. */

/** First in, first out, at most `limit`; `push` gives back what fell out. Amortised O(1). */
export class BoundedQueue<T> {
  private items: T[] = [];
  private head = 0;

  constructor(readonly limit: number) {}

  get size(): number {
    return this.items.length - this.head;
  }

  push(item: T): T | undefined {
    this.items.push(item);
    return this.size > this.limit ? this.shift() : undefined;
  }

  peek(): T | undefined {
    return this.items[this.head];
  }

  shift(): T | undefined {
    if (this.head >= this.items.length) return undefined;
    const item = this.items[this.head]!;
    this.items[this.head] = undefined as T;
    this.head++;
    if (this.head > 64 && this.head * 2 > this.items.length) {
      this.items = this.items.slice(this.head);
      this.head = 0;
    }
    return item;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let at = this.head; at < this.items.length; at++) yield this.items[at]!;
  }

  /** Newest last. */
  last(count: number): T[] {
    return this.items.slice(Math.max(this.head, this.items.length - count));
  }

  clear(): void {
    this.items = [];
    this.head = 0;
  }
}

/** Looks at each item once, a fixed delay after it was put in. Bounded: the oldest are looked at early rather than lost. */
export class DelayQueue<T> {
  private readonly queue: BoundedQueue<{ item: T; dueNs: number }>;
  private readonly early: T[] = [];

  constructor(
    private readonly delayNs: () => number,
    limit = 20_000,
  ) {
    this.queue = new BoundedQueue(limit);
  }

  get size(): number {
    return this.queue.size + this.early.length;
  }

  add(item: T, nowNs: number): void {
    const out = this.queue.push({ item, dueNs: nowNs + this.delayNs() });
    if (out !== undefined) this.early.push(out.item);
  }

  /** Those whose time has come; with `all`, every one. */
  take(nowNs: number, visit: (item: T) => void, all = false): void {
    for (const item of this.early.splice(0)) visit(item);
    for (let next = this.queue.peek(); next !== undefined && (all || next.dueNs <= nowNs); next = this.queue.peek()) {
      this.queue.shift();
      visit(next.item);
    }
  }
}

/** Something happened: those who asked are told, in the order they asked. */
export class Signal<A extends unknown[]> {
  private readonly listeners: ((...args: A) => void)[] = [];

  on(listener: (...args: A) => void): () => void {
    this.listeners.push(listener);
    return () => {
      const at = this.listeners.indexOf(listener);
      if (at >= 0) this.listeners.splice(at, 1);
    };
  }

  emit(...args: A): void {
    for (let at = 0; at < this.listeners.length; at++) this.listeners[at]!(...args);
  }
}

/** Running sums with fixed memory. */
export class Samples {
  private readonly values: number[] = [];

  constructor(readonly limit = 120) {}

  push(value: number): void {
    this.values.push(value);
    if (this.values.length > this.limit) this.values.shift();
  }

  get list(): number[] {
    return this.values.slice();
  }
}
