import { Loop, type Task } from '../core/entities';
import type { Context } from '../core/world';
import { round } from './tasks';

const MAX_LOOPS = 1_000;

/** Event loops: how late they run, what keeps them. */
export class LoopMonitor {
  private readonly byAddress = new Map<number, Loop>();
  private nextId = 1;
  turns = 0;
  slowCallbacks = 0;
  slowTurns = 0;
  blockedNs = 0;
  longestBlockNs = 0;
  worstLagNs = 0;

  constructor(
    private readonly context: Context,
    private readonly task: (address: number) => Task | undefined,
  ) {}

  at(address: number): Loop | undefined {
    return this.byAddress.get(address);
  }

  all(): IterableIterator<Loop> {
    return this.byAddress.values();
  }

  nameThreads(names: Record<string, string>): void {
    for (const loop of this.byAddress.values()) loop.threadName = names[loop.threadId] ?? loop.threadName;
  }

  create(address: number, t: number, thread: number, kindId: number): void {
    const known = this.byAddress.get(address);
    if (known?.running && this.context.inSync) {
      known.seen = this.context.syncEpoch;
      return;
    }
    if (this.byAddress.size >= MAX_LOOPS) {
      // Test suites make loops by the thousand: the oldest ended one goes.
      for (const loop of this.byAddress.values()) {
        if (loop.running) continue;
        this.byAddress.delete(loop.address);
        break;
      }
      if (this.byAddress.size >= MAX_LOOPS) {
        this.context.untracked++;
        return;
      }
    }
    this.byAddress.delete(address);
    const loop = new Loop(this.nextId++, address, this.context.defs.string(kindId) || 'asyncio', thread, t);
    loop.seen = this.context.syncEpoch;
    this.byAddress.set(address, loop);
  }

  stat(address: number, t: number, turns: number, lagNs: number, ready: number): void {
    const loop = this.byAddress.get(address);
    if (loop === undefined) return;
    loop.counted = turns >= 0;
    if (loop.counted) {
      const seconds = (t - loop.statNs) / 1e9;
      const more = Math.max(0, turns - loop.turns);
      if (seconds > 0) loop.turnsPerSecond = more / seconds;
      this.turns += more;
      loop.turns = turns;
      loop.readyLength = ready;
    }
    loop.statNs = t;
    loop.lagNs = lagNs;
    if (lagNs > loop.worstLagNs) loop.worstLagNs = lagNs;
    if (lagNs > this.worstLagNs) this.worstLagNs = lagNs;
  }

  block(address: number, t: number, taskAddress: number, ns: number, stackId: number, over: boolean): void {
    const loop = this.byAddress.get(address);
    if (loop === undefined) return;
    const task = this.task(taskAddress);
    const stack = this.context.defs.stack(stackId) ?? loop.blocked?.stack;
    loop.blocked = over ? undefined : { sinceNs: t - ns, forNs: ns, stack, task };
    if (ns > loop.worstLagNs) loop.worstLagNs = ns;
    if (ns > this.worstLagNs) this.worstLagNs = ns;
    if (over) {
      loop.slowCallbacks++;
      this.slowCallbacks++;
      loop.blockedNs += ns;
      this.blockedNs += ns;
      if (ns > loop.longestBlockNs) loop.longestBlockNs = ns;
      if (ns > this.longestBlockNs) this.longestBlockNs = ns;
    }
    this.context.signals.loopBlock.emit(loop, task, ns, stack, over);
    loop.collectedNs = 0;
  }

  /** Comes before the block that it belongs to. */
  collected(address: number, ns: number): void {
    const loop = this.byAddress.get(address);
    if (loop !== undefined) loop.collectedNs = ns;
  }

  slowTurn(address: number, callbacks: number, ns: number): void {
    const loop = this.byAddress.get(address);
    if (loop === undefined) return;
    this.slowTurns++;
    this.context.signals.loopSlowTurn.emit(loop, callbacks, ns);
  }

  histogram(address: number, name: string, bounds: number[], counts: number[]): void {
    const loop = this.byAddress.get(address);
    if (loop !== undefined && bounds.length <= 200 && counts.length <= 201) loop.histograms[name] = { bounds, counts };
  }

  end(address: number): void {
    const loop = this.byAddress.get(address);
    if (loop === undefined || !loop.running) return;
    loop.running = false;
    loop.blocked = undefined;
    this.context.signals.loopEnd.emit(loop);
  }

  sweep(): void {
    for (const loop of this.byAddress.values()) if (loop.running && loop.seen !== this.context.syncEpoch) this.end(loop.address);
  }

  statistics(): Record<string, unknown> {
    const histograms: Record<string, unknown> = {};
    for (const loop of this.byAddress.values()) {
      for (const [name, { bounds, counts }] of Object.entries(loop.histograms)) {
        histograms[`${loop.id}:${name}`] = { bounds_ms: bounds.map((bound) => round(bound / 1e6)), counts };
      }
    }
    return {
      loops: this.byAddress.size,
      turns: this.turns,
      slow_callbacks: this.slowCallbacks,
      slow_turns: this.slowTurns,
      worst_lag_ms: round(this.worstLagNs / 1e6),
      blocked_ms: round(this.blockedNs / 1e6),
      longest_block_ms: round(this.longestBlockNs / 1e6),
      histograms,
    };
  }
}
