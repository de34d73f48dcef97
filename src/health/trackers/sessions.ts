import { BoundedQueue } from '../core/collections';
import { Session, type Task } from '../core/entities';
import type { Context } from '../core/world';
import { round } from './tasks';

/** Clients, connections and pools: who opened them, what they did, whether they were closed. */
export class SessionMonitor {
  private readonly byAddress = new Map<number, Session>();
  private readonly closed: BoundedQueue<Session>;
  private nextId = 1;
  structure = 0;
  opened = 0;
  closedCount = 0;
  lost = 0;
  open = 0;
  private operations = 0;
  private failures = 0;
  private successes = 0;

  constructor(
    private readonly context: Context,
    private readonly task: (address: number) => Task | undefined,
  ) {
    this.closed = new BoundedQueue(context.retention.sessions);
  }

  at(address: number): Session | undefined {
    return this.byAddress.get(address);
  }

  *openOnes(): IterableIterator<Session> {
    for (const session of this.byAddress.values()) if (session.open) yield session;
  }

  history(limit = Number.POSITIVE_INFINITY): Session[] {
    return this.closed.last(Math.min(limit, this.closed.size));
  }

  create(address: number, t: number, opener: number, kindId: number, stackId: number): void {
    const { context } = this;
    const type = context.defs.string(kindId) || 'session';
    const known = this.byAddress.get(address);
    if (known?.open) {
      if (context.inSync && known.type === type) {
        known.seen = context.syncEpoch;
        return;
      }
      this.finish(known, t);
    }
    if (this.open >= context.retention.live) {
      context.untracked++;
      return;
    }
    const session = new Session(this.nextId++, address, type, this.task(opener), context.defs.stack(stackId), t);
    session.seen = context.syncEpoch;
    if (session.opener !== undefined) session.opener.opened = true;
    this.byAddress.set(address, session);
    this.open++;
    this.opened++;
    this.structure++;
  }

  name(address: number, nameId: number): void {
    const session = this.byAddress.get(address);
    if (session !== undefined) session.name = this.context.defs.string(nameId);
  }

  close(address: number, t: number, closer: number): void {
    const session = this.byAddress.get(address);
    if (session === undefined || !session.open) return;
    session.closer = this.task(closer);
    this.closedCount++;
    this.finish(session, t);
    this.context.signals.sessionClose.emit(session);
  }

  lose(address: number, t: number): void {
    const session = this.byAddress.get(address);
    if (session === undefined || !session.open) return;
    session.lost = true;
    this.lost++;
    this.finish(session, t);
    this.context.signals.sessionLost.emit(session);
  }

  operation(address: number, t: number, phase: number, durationNs: number): void {
    const session = this.byAddress.get(address);
    if (session === undefined) return;
    session.lastOperationNs = t;
    if (phase === 0) {
      session.running++;
      return;
    }
    session.running = Math.max(0, session.running - 1);
    session.operations++;
    this.operations++;
    if (phase === 1) {
      session.succeeded++;
      this.successes++;
    } else {
      session.failed++;
      this.failures++;
    }
    const ns = Math.max(0, durationNs);
    session.totalNs += ns;
    if (ns > session.longestNs) session.longestNs = ns;
  }

  pool(address: number, t: number, inUse: number, size: number, waiting: number): void {
    const session = this.byAddress.get(address);
    if (session === undefined) return;
    const exhausted = waiting > 0 && inUse >= size;
    const was = session.pool !== undefined && session.pool.waiting > 0 && session.pool.inUse >= session.pool.size;
    session.pool = { inUse, size, waiting, sinceNs: exhausted && was ? session.pool!.sinceNs : t };
    this.context.signals.sessionPool.emit(session);
  }

  sweep(t: number): void {
    for (const session of this.openOnes()) if (session.seen !== this.context.syncEpoch) this.finish(session, t);
  }

  private finish(session: Session, t: number): void {
    session.closedNs = t;
    this.open--;
    this.structure++;
    const out = this.closed.push(session);
    if (out !== undefined && this.byAddress.get(out.address) === out) this.byAddress.delete(out.address);
  }

  statistics(): Record<string, unknown> {
    const finished = this.successes + this.failures;
    return {
      opened: this.opened,
      closed: this.closedCount,
      open: this.open,
      never_closed: this.lost,
      operations: this.operations,
      failures: this.failures,
      success_rate: finished === 0 ? null : round(this.successes / finished),
    };
  }
}
