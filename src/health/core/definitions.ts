import type { DecodedBatch } from '../../shared/batch';
import type { SourceLocation } from '../../shared/findings';
import { type Origin, originOf, type PathRules } from './places';

/** A method that a library made, of a dataclass or by attrs: whose code it is, its caller says. */
const GENERATED = /^(?:<string> (?:.*\.)?__\w+__|<attrs generated .*)$/;

/** asyncio asks a program's own task factory from here. */
const ASKS_FACTORY = /[\\/]asyncio[\\/]base_events\.py (?:.*\.)?create_task$/;

/** A recorded stack, resolved once and shared by all that refer to it. Leaf first. */
export class Stack {
  private user: SourceLocation | undefined | null = null;

  constructor(
    readonly frames: readonly SourceLocation[],
    private readonly rules: PathRules,
    /** There are more frames than were recorded. */
    readonly cut = false,
  ) {}

  /** Where the user's own code is: the leaf-most frame that belongs neither to a library nor to the probe; else the leaf. */
  get place(): SourceLocation | undefined {
    if (this.user === null) this.user = this.pick();
    return this.user;
  }

  /** The frame is the user's own, not merely the best of a library's stack. */
  get hasUserCode(): boolean {
    return this.place !== undefined && this.origin(this.place) === 'user';
  }

  /** Without the probe's own frames. */
  get shown(): SourceLocation[] {
    return this.frames.filter((frame) => this.origin(frame) !== 'probe');
  }

  origin(frame: SourceLocation): Origin {
    return originOf(frame.file, this.rules);
  }

  private pick(): SourceLocation | undefined {
    // A task factory of the program makes every task: who asked for this one tells more.
    const asker = this.frames[1];
    const made = asker !== undefined && ASKS_FACTORY.test(`${asker.file} ${asker.function}`) ? this.first(2) : undefined;
    return made !== undefined && this.origin(made) === 'user' ? made : this.first(0);
  }

  /** The user's own frame that is leaf-most from `start` on; else the best of the others. */
  private first(start: number): SourceLocation | undefined {
    let library: SourceLocation | undefined;
    let standard: SourceLocation | undefined;
    for (let at = start; at < this.frames.length; at++) {
      const frame = this.frames[at]!;
      const caller = this.frames[at + 1];
      const generated = caller !== undefined && GENERATED.test(`${frame.file} ${frame.function}`);
      const origin = generated && this.origin(caller) !== 'user' ? 'library' : this.origin(frame);
      if (origin === 'user') return frame;
      if (origin === 'library') library ??= frame;
      else if (origin === 'stdlib') standard ??= frame;
    }
    return library ?? standard;
  }
}

interface Entry<T> {
  value: T;
  /** Looked up since the last sweep. */
  used: boolean;
}

/** Definitions of one kind. Bounded: when full, what was not used since the last sweep goes, oldest first. */
class Table<T> {
  private readonly entries = new Map<number, Entry<T>>();
  evicted = 0;

  constructor(private readonly limit: number) {}

  set(id: number, value: T): void {
    this.entries.set(id, { value, used: false });
    if (this.entries.size > this.limit) this.sweep();
  }

  get(id: number): T | undefined {
    const entry = this.entries.get(id);
    if (entry === undefined) return undefined;
    entry.used = true;
    return entry.value;
  }

  clear(): void {
    this.entries.clear();
  }

  get size(): number {
    return this.entries.size;
  }

  private sweep(): void {
    let excess = this.entries.size - (this.limit >> 1);
    for (const [id, entry] of this.entries) {
      if (excess <= 0) break;
      if (entry.used) entry.used = false;
      else {
        this.entries.delete(id);
        this.evicted++;
        excess--;
      }
    }
    // Everything was in use: the oldest go all the same, memory is bounded first.
    if (this.entries.size > this.limit) {
      for (const id of this.entries.keys()) {
        if (this.entries.size <= this.limit) break;
        this.entries.delete(id);
        this.evicted++;
      }
    }
  }
}

/** Strings, frames and stacks that rows refer to by id. Objects keep what they looked up, so eviction never blanks a row. */
export class Definitions {
  private readonly strings: Table<string>;
  private readonly frames: Table<SourceLocation>;
  private readonly stacks: Table<Stack>;

  constructor(
    private readonly rules: PathRules,
    limit = 200_000,
  ) {
    this.strings = new Table(limit);
    this.frames = new Table(limit);
    this.stacks = new Table(limit);
  }

  add(batch: DecodedBatch): void {
    for (const [id, text] of batch.strings) this.strings.set(id, text);
    for (const [id, file, func, line] of batch.frames) {
      this.frames.set(id, { file: this.strings.get(file) ?? '', line, function: this.strings.get(func) ?? '?' });
    }
    for (const def of batch.stacks) {
      const frames: SourceLocation[] = [];
      for (let at = 1; at < def.length; at++) {
        const frame = this.frames.get(def[at]!);
        if (frame !== undefined) frames.push(frame);
      }
      this.stacks.set(def[0], new Stack(frames, this.rules, def.at(-1) === 0));
    }
  }

  /** '' for 0 and for what is not known. */
  string(id: number): string {
    return id === 0 ? '' : (this.strings.get(id) ?? '');
  }

  stack(id: number): Stack | undefined {
    return id === 0 ? undefined : this.stacks.get(id);
  }

  /** A new probe in the same process counts from 1 again. */
  clear(): void {
    this.strings.clear();
    this.frames.clear();
    this.stacks.clear();
  }

  get sizes(): { strings: number; frames: number; stacks: number; evicted: number } {
    return {
      strings: this.strings.size,
      frames: this.frames.size,
      stacks: this.stacks.size,
      evicted: this.strings.evicted + this.frames.evicted + this.stacks.evicted,
    };
  }
}
