import type { Finding, FindingCode } from '../../shared/findings';
import type { Stack } from '../core/definitions';
import type { Task } from '../core/entities';
import type { Environment } from '../core/environment';
import { longPlace } from '../core/places';
import type { Context } from '../core/world';
import type { FindingStore, Sighting } from '../findings/store';
import type { GeneratorTracker } from '../trackers/generators';
import type { LockMonitor } from '../trackers/locks';
import type { LoopMonitor } from '../trackers/loops';
import type { CancelScopeTracker } from '../trackers/scopes';
import type { SessionMonitor } from '../trackers/sessions';
import type { AsyncTaskTracker } from '../trackers/tasks';

/** What a detector may look at. */
export interface World {
  readonly context: Context;
  readonly tasks: AsyncTaskTracker;
  readonly scopes: CancelScopeTracker;
  readonly locks: LockMonitor;
  readonly sessions: SessionMonitor;
  readonly loops: LoopMonitor;
  readonly generators: GeneratorTracker;
  readonly store: FindingStore;
}

/** A sighting without the words: what `check` gives and `message` and `advice` put into words. */
export type Evidence<Facts> = Omit<Sighting, 'code' | 'message' | 'advice'> & { facts: Facts };

/**
 * Recognises one code of the catalogue. It hears of changes through the signals that it subscribes to in its constructor and
 * looks at what must mature (`look`); neither ever walks all tasks.
 */
export abstract class Detector<Facts = unknown> {
  abstract readonly code: FindingCode;

  constructor(protected readonly world: World) {}

  /** What happened, with the names. One sentence. */
  abstract message(facts: Facts): string;

  /** What to do, fitted to what runs. */
  abstract advice(facts: Facts, env: Environment): string;

  /** Called some times a second of the program's time. */
  look(_nowNs: number): void {}

  /** The stream is over: decide what was still maturing. `orderly`: the program ended by itself and said so. */
  end(nowNs: number, _orderly: boolean): void {
    this.look(nowNs);
  }

  protected raise(evidence: Evidence<Facts> | undefined): Finding | undefined {
    if (evidence === undefined) return undefined;
    const { facts, ...sighting } = evidence;
    return this.world.store.raise({
      ...sighting,
      code: this.code,
      message: this.message(facts),
      advice: this.advice(facts, this.world.context.env),
    });
  }

  protected get nowNs(): number {
    return this.world.context.nowNs;
  }
}

/** `"Task-7" (fetch)`; `another task` when nothing is known of it. */
export function called(task: Task | undefined, otherwise = 'another task'): string {
  if (task === undefined) return otherwise;
  const short = shortName(task.coroutine);
  return task.name !== '' && short !== '' && short !== task.name ? `"${task.name}" (${short})` : `"${task.label}"`;
}

/** Last part of a qualified name, locals left out: `Pool.acquire`, `fetch`. */
export function shortName(qualified: string): string {
  const local = '<locals>.';
  const last = qualified.lastIndexOf(local);
  return last < 0 ? qualified : qualified.slice(last + local.length);
}

/** ` at fetch (db.py:41)`, or nothing. */
export function at(stack: Stack | undefined): string {
  const place = stack?.place;
  return place === undefined ? '' : ` at ${longPlace(place)}`;
}

/** `0.4 s`, `120 ms`, `3 min`. */
export function duration(ns: number): string {
  const ms = ns / 1e6;
  if (ms < 1) return `${Math.round(ms * 1000)} µs`;
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  return `${Math.round(ms / 60_000)} min`;
}
