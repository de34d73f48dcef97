/** Where a task was created: from the model, shown below its stack once the user has asked for it. */
import type { AdapterContext } from '../context';
import type { Frame } from './stitch';

export class CreationStacks {
  private readonly asked = new Set<number>();

  constructor(private readonly context: AdapterContext) {}

  /** Frames of the task's creation (ids are to be given), when the user wants them; undefined otherwise. */
  wanted(task: number): Frame[] | undefined {
    return this.asked.has(task) ? this.frames(task) : undefined;
  }

  /** The user asks: from now on the section is shown. A task just born is in the next batch. @throws Error when nothing is recorded */
  async reveal(task: number): Promise<Frame[]> {
    let frames = this.frames(task);
    const until = performance.now() + 3 * this.context.options.tickMs + 300;
    while (frames.length === 0 && performance.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      frames = this.frames(task);
    }
    if (frames.length === 0) {
      const why =
        this.context.options.detail === 'light'
          ? 'Detail "light" records no creation stacks; choose "standard".'
          : 'It was there before the probe.';
      throw new Error(`Where this task was created is not recorded. ${why}`);
    }
    this.asked.add(task);
    return frames;
  }

  private frames(task: number): Frame[] {
    const stack = this.context.health.tasks.at(task)?.creation?.frames ?? [];
    return stack.map((place) => ({
      id: 0,
      name: place.function,
      line: place.line,
      column: 1,
      source: { path: place.file, name: place.file.replace(/^.*[\\/]/, '') },
      presentationHint: 'subtle',
    }));
  }
}
