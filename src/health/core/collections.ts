/** Small containers with a bound. */

/** First in, first out, at most `limit`; `push` gives back what fell out. A ring: O(1), no garbage once it has grown. */
export class BoundedQueue<T> {
  private items: (T | undefined)[] = [];
  private head = 0;
  private count = 0;

  constructor(readonly limit: number) {}

  get size(): number {
    return this.count;
  }

  push(item: T): T | undefined {
    if (this.limit <= 0) return item;
    if (this.count === this.items.length && this.count < this.limit) this.grow();
    if (this.count < this.items.length) {
      this.items[(this.head + this.count) % this.items.length] = item;
      this.count++;
      return undefined;
    }
    const out = this.items[this.head];
    this.items[this.head] = item;
    this.head = (this.head + 1) % this.items.length;
    return out;
  }

  peek(): T | undefined {
    return this.count === 0 ? undefined : this.items[this.head];
  }

  shift(): T | undefined {
    if (this.count === 0) return undefined;
    const item = this.items[this.head];
    this.items[this.head] = undefined;
    this.head = (this.head + 1) % this.items.length;
    this.count--;
    return item;
  }

  *[Symbol.iterator](): IterableIterator<T> {
    for (let at = 0; at < this.count; at++) yield this.items[(this.head + at) % this.items.length]!;
  }

  /** The newest `count`, newest last. */
  last(count: number): T[] {
    const out: T[] = [];
    for (let at = Math.max(0, this.count - count); at < this.count; at++) out.push(this.items[(this.head + at) % this.items.length]!);
    return out;
  }

  private grow(): void {
    const all = this.last(this.count);
    const size = Math.min(this.limit, Math.max(16, this.count * 2));
    this.items = all.concat(new Array<T | undefined>(size - all.length).fill(undefined) as T[]);
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
