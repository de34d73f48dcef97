/** Putting a stitched stack together from stretches that debugpy served: pure. */
import type { DebugProtocol } from '@vscode/debugprotocol';

export type Frame = DebugProtocol.StackFrame;

/** How one stretch awaits the one above it. */
export type Via = 'await' | 'gather' | 'TaskGroup' | 'nursery' | 'shield' | 'wait_for' | 'wait' | null;

/** What the probe says of one stretch; see `tasks.stack` in _ah_frames.py. */
export interface Segment {
  task: number;
  name: string;
  via: Via;
  /** Thread to ask debugpy's stackTrace for; null when the task has no frames (never started, or just over). */
  threadId: number | null;
  /** Only these frame ids of that thread: the task is part of a real thread. */
  frames?: number[];
}

/** What runs in a stopped thread: nothing when that is no task. See `tasks.thread` in _ah_frames.py. */
export interface Inside {
  task?: number;
  /** Ids of the task's own frames, leaf first. */
  frames?: number[];
  segments?: Segment[];
}

/** Of the text that came with a stop; undefined when it is none of ours. */
export function readInside(text: unknown): Inside | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    const { task, frames, segments } = JSON.parse(text) as Inside;
    if (frames === undefined) return {};
    return typeof task === 'number' && Array.isArray(frames) && Array.isArray(segments) ? { task, frames, segments } : undefined;
  } catch {
    return undefined;
  }
}

/** Ids of label frames; far from debugpy's, which count up from 1. */
const FIRST_LABEL_ID = 1_000_000_000;

export class LabelIds {
  private next = FIRST_LABEL_ID;

  take(): number {
    return this.next++;
  }

  /** Whether a frame id is ours: nothing can be evaluated there. */
  static isLabel(frameId: unknown): boolean {
    return typeof frameId === 'number' && frameId >= FIRST_LABEL_ID;
  }
}

export function labelFrame(id: number, name: string): Frame {
  return { id, name, line: 0, column: 0, presentationHint: 'label' };
}

const WORDS: Record<Exclude<Via, null>, string> = {
  await: 'awaited by',
  gather: 'gathered by',
  TaskGroup: 'in the task group of',
  nursery: 'in the nursery of',
  shield: 'shielded, awaited by',
  wait_for: 'awaited (wait_for) by',
  wait: 'awaited (wait) by',
};

export function awaitedByLabel(segment: Segment): string {
  return `── ${WORDS[segment.via ?? 'await']} ${segment.name} ──`;
}

/** Awaiters' stretches, each below its label. */
export function awaiterFrames(segments: readonly { segment: Segment; frames: Frame[] }[], ids: LabelIds): Frame[] {
  return segments.flatMap(({ segment, frames }) => [labelFrame(ids.take(), awaitedByLabel(segment)), ...frames]);
}

/**
 * A real thread's stack with the awaiters of its running task between the task's own frames and what is below (the loop, the module).
 * `own`: ids of the task's frames. Unchanged when none of them is visible.
 */
export function spliceThread(stack: readonly Frame[], own: ReadonlySet<number>, awaiters: readonly Frame[]): Frame[] {
  let last = -1;
  stack.forEach((frame, index) => {
    if (own.has(frame.id)) last = index;
  });
  if (last < 0 || awaiters.length === 0) return [...stack];
  return [...stack.slice(0, last + 1), ...awaiters, ...stack.slice(last + 1)];
}

/** One page of a stack, with the whole stack's length: as debugpy slices. `levels` 0 or absent = all. */
export function page(stack: readonly Frame[], args: { startFrame?: number; levels?: number }): DebugProtocol.StackTraceResponse['body'] {
  const start = Math.max(0, args.startFrame ?? 0);
  const end = args.levels ? start + args.levels : stack.length;
  return { stackFrames: stack.slice(start, end), totalFrames: stack.length };
}
