/** When to bring a view up to date: soon after something came, not too often, and now and then when nothing comes. */

/** What comes together (a tick's batches) is shown together. */
const TOGETHER_MS = 4;

export class Ticker {
  private timer: NodeJS.Timeout | undefined;
  private dueAt = 0;
  private lastAt = 0;
  private running = false;

  /**
   * @param tick brings the view up to date
   * @param gapMs least time between two ticks
   * @param idleMs longest time between two ticks
   */
  constructor(
    private readonly tick: () => void,
    private readonly gapMs: number,
    private readonly idleMs: number,
  ) {}

  start(): void {
    if (this.running) return;
    this.running = true;
    this.plan(performance.now());
  }

  stop(): void {
    this.running = false;
    clearTimeout(this.timer);
  }

  /** Something came. Costs next to nothing when the next tick is near. */
  wake(): void {
    if (this.running) this.plan(Math.max(this.lastAt + this.gapMs, performance.now() + TOGETHER_MS));
  }

  private plan(at: number): void {
    if (this.timer !== undefined && this.dueAt <= at) return;
    clearTimeout(this.timer);
    this.dueAt = at;
    this.timer = setTimeout(() => this.run(), Math.max(0, at - performance.now()));
  }

  private run(): void {
    this.timer = undefined;
    this.lastAt = performance.now();
    this.plan(this.lastAt + this.idleMs);
    this.tick();
  }
}
