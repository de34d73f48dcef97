import type { Finding, FindingCode, RelatedLocation, Severity, TaskRef } from '../../shared/findings';
import { Signal } from '../core/collections';
import type { Stack } from '../core/definitions';
import type { Entity, Task } from '../core/entities';
import { placeKey } from '../core/places';
import type { Context } from '../core/world';
import { Incidents } from './incidents';

/** A second place of a sighting. */
export interface Elsewhere {
  label: string;
  stack: Stack | undefined;
  task?: TaskRef | undefined;
}

/** Something wrong was seen, once. The store makes findings of sightings: same code at the same places is the same finding. */
export interface Sighting {
  code: FindingCode;
  severity: Severity;
  message: string;
  advice: string;
  task?: Task | undefined;
  /** For tasks that are not followed. */
  taskRef?: TaskRef | undefined;
  stack?: Stack | undefined;
  /** What happened at the place of `stack`, as the labels of `related`: "left here". */
  here?: string | undefined;
  related?: Elsewhere[];
  /** Told apart by this where places do not: replaces the places in the key. */
  key?: string;
  /** What it is about: tasks, scopes, locks, sessions, loops, generators. */
  about: (Entity | undefined)[];
  /** Already over. */
  resolved?: boolean;
}

const MAX_PER_ENTITY = 16;
/** Exceptions without a task are tied to what went wrong at most this long before, ns. */
const ECHO_NS = 5e9;

/** All findings of one process: joined by place, tied into incidents, bounded. */
export class FindingStore {
  private readonly byKey = new Map<string, Finding>();
  private readonly byId = new Map<number, Finding>();
  private readonly keys = new Map<number, string>();
  private readonly recentRoots: { finding: Finding; places: Set<string>; atNs: number }[] = [];
  readonly incidents = new Incidents();
  readonly changed = new Signal<[finding: Finding, isNew: boolean]>();
  private nextId = 1;
  /** Findings that no longer fitted. */
  forgotten = 0;
  /** Sightings so far, by code. */
  readonly sightings: Partial<Record<FindingCode, number>> = {};
  /** Goes up with every change. */
  version = 0;

  constructor(private readonly context: Context) {}

  get size(): number {
    return this.byKey.size;
  }

  all(): IterableIterator<Finding> {
    return this.byKey.values();
  }

  get(id: number): Finding | undefined {
    return this.byId.get(id);
  }

  raise(sighting: Sighting): Finding {
    const nowMs = this.context.nowNs / 1e6;
    this.sightings[sighting.code] = (this.sightings[sighting.code] ?? 0) + 1;
    const location = sighting.stack?.place;
    const key = `${sighting.code}|${sighting.key ?? keyOf(sighting)}`;
    let finding = this.byKey.get(key);
    const isNew = finding === undefined;
    if (finding === undefined) {
      finding = {
        id: this.nextId++,
        code: sighting.code,
        severity: sighting.severity,
        message: sighting.message,
        advice: sighting.advice,
        related: [],
        incident: 0,
        count: 1,
        firstSeenMs: nowMs,
        lastSeenMs: nowMs,
        resolved: sighting.resolved ?? false,
      };
      finding.incident = finding.id;
      const task = sighting.task?.ref ?? sighting.taskRef;
      if (task !== undefined) finding.task = { ...task };
      if (location !== undefined) {
        finding.location = location;
        if (sighting.here !== undefined) finding.here = sighting.here;
      }
      if (sighting.stack !== undefined) finding.stack = sighting.stack.shown;
      for (const elsewhere of sighting.related ?? []) {
        const related = toRelated(elsewhere);
        if (related !== undefined) finding.related.push(related);
      }
      if (this.byKey.size >= this.context.retention.findings) this.makeRoom();
      this.byKey.set(key, finding);
      this.byId.set(finding.id, finding);
      this.keys.set(finding.id, key);
      this.incidents.add(finding);
    } else {
      finding.count++;
      finding.lastSeenMs = nowMs;
      finding.resolved = sighting.resolved ?? false;
      if (worse(sighting.severity, finding.severity)) {
        finding.severity = sighting.severity;
        finding.message = sighting.message;
      }
    }
    const joined = new Set<Finding>();
    for (const entity of sighting.about) if (entity !== undefined) this.tie(entity, finding, joined);
    this.echo(sighting, finding, joined);
    this.version++;
    this.changed.emit(finding, isNew);
    for (const other of joined) if (other !== finding) this.changed.emit(other, false);
    return finding;
  }

  /** The condition is over. */
  resolve(finding: Finding | undefined): void {
    if (finding === undefined || finding.resolved) return;
    finding.resolved = true;
    this.version++;
    this.changed.emit(finding, false);
  }

  /** The same finding with other words (it grew: a longer block, a higher rate); with `stack`, the place they speak of as well. */
  revise(finding: Finding, message: string, { severity = finding.severity, stack }: { severity?: Severity; stack?: Stack } = {}): void {
    if (finding.message === message && finding.severity === severity) return;
    finding.message = message;
    finding.severity = severity;
    if (stack?.place !== undefined) {
      finding.location = stack.place;
      finding.stack = stack.shown;
    }
    finding.lastSeenMs = this.context.nowNs / 1e6;
    this.version++;
    this.changed.emit(finding, false);
  }

  private tie(entity: Entity, finding: Finding, joined: Set<Finding>): void {
    if (entity.findings === undefined) entity.findings = [];
    for (const id of entity.findings) {
      const other = this.byId.get(id);
      if (other !== undefined) for (const changed of this.incidents.join(finding, other)) joined.add(changed);
    }
    if (entity.findings.includes(finding.id)) return;
    entity.findings.push(finding.id);
    if (entity.findings.length > MAX_PER_ENTITY) entity.findings.shift();
  }

  /** An exception that names no task belongs to what went wrong just before, in a function that its traceback passes through. */
  private echo(sighting: Sighting, finding: Finding, joined: Set<Finding>): void {
    const { nowNs } = this.context;
    if (sighting.code === 'exception-never-retrieved') {
      const frames = sighting.stack?.frames ?? [];
      for (const root of this.recentRoots) {
        if (nowNs - root.atNs > ECHO_NS) continue;
        if (!frames.some((frame) => root.places.has(`${frame.file}:${frame.function}`))) continue;
        for (const changed of this.incidents.join(finding, root.finding)) joined.add(changed);
      }
      return;
    }
    if (this.recentRoots.some((root) => root.finding === finding)) return;
    const places = new Set<string>();
    for (const stack of [sighting.stack, ...(sighting.related ?? []).map((place) => place.stack)]) {
      const place = stack?.hasUserCode ? stack.place : undefined;
      if (place !== undefined) places.add(`${place.file}:${place.function}`);
    }
    this.recentRoots.push({ finding, places, atNs: nowNs });
    if (this.recentRoots.length > 20) this.recentRoots.shift();
  }

  private makeRoom(): void {
    let victim: Finding | undefined;
    for (const finding of this.byKey.values()) {
      if (finding.resolved || finding.severity === 'info') {
        victim = finding;
        break;
      }
      victim ??= finding;
    }
    if (victim === undefined) return;
    this.forgotten++;
    const key = this.keys.get(victim.id);
    if (key !== undefined) this.byKey.delete(key);
    this.byId.delete(victim.id);
    this.keys.delete(victim.id);
    this.incidents.remove(victim);
  }
}

function keyOf(sighting: Sighting): string {
  const places = [sighting.stack?.place, ...(sighting.related ?? []).map((place) => place.stack?.place)];
  const key = places.map(placeKey).join('|');
  if (places.some((place) => place !== undefined)) return key;
  // Without any place the name has to do; numbers in it are instances of one thing.
  const name = sighting.task?.label ?? sighting.taskRef?.name ?? sighting.message;
  return `${name.replace(/\d+/g, '#')}|${sighting.task?.coroutine ?? ''}`;
}

export function toRelated(elsewhere: Elsewhere): RelatedLocation | undefined {
  const place = elsewhere.stack?.place;
  if (place === undefined || elsewhere.stack === undefined) return undefined;
  const related: RelatedLocation = { ...place, label: elsewhere.label, stack: elsewhere.stack.shown };
  if (elsewhere.task !== undefined) related.task = { ...elsewhere.task };
  return related;
}

function worse(a: Severity, b: Severity): boolean {
  const order = { error: 2, warning: 1, info: 0 };
  return order[a] > order[b];
}
