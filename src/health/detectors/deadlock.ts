import type { Finding } from '../../shared/findings';
import { Outcome } from '../../shared/wire';
import type { Lock, Task } from '../core/entities';
import { shortPlace } from '../core/places';
import { called, Detector, duration, type Evidence, type World } from './detector';
import { lockName } from './locks';
import { blockersOf, circleOf } from './waitGraph';

interface Circle {
  tasks: Task[];
  /** The wait of each task at the first look; the circle stands only while none has changed. */
  waits: number[];
  firstNs: number;
  looks: number;
  finding: Finding | undefined;
  /** The task that was made to give up: cancelled, timed out or shut down. A circle that ends so has not come undone by itself. */
  gaveUp: Task | undefined;
  /** Who waits for whom, in words, as found: the waits may be over when the rest is revised. */
  words: string | undefined;
}

/** Between the first look and the second, ns. A hand-over in progress is over by then. */
const STABLE_NS = 200e6;

/** How long a circle has stood is told in these steps: the words change now and then only, and are true in between. */
const STEPS_NS = [STABLE_NS, ...[1, 5, 10, 30, 60, 120, 300, 600, 1_800, 3_600].map((seconds) => seconds * 1e9)];

/** Tasks wait for each other in a circle. Error; a warning when a deadline will break it. */
export class LockDeadlock extends Detector<Circle> {
  readonly code = 'lock-deadlock';
  /** Tasks whose wait began since the last look. Ordered, each once. */
  private fresh = new Set<Task>();
  private circles: Circle[] = [];

  constructor(world: World) {
    super(world);
    const { signals } = world.context;
    signals.lockWait.on((waiter) => this.fresh.add(waiter.task));
    signals.taskWait.on((task) => {
      if (task.waitTask !== undefined) this.fresh.add(task);
    });
    signals.lockWaitEnd.on(({ task }, granted) => {
      if (!granted) this.givesUp(task);
    });
    signals.taskEnd.on((task) => {
      if (task.outcome === Outcome.Cancelled || task.outcome === Outcome.Dropped) this.givesUp(task);
    });
    signals.lockHold.on((lock) => {
      // A new holder is a new edge for all who wait; one of them is enough to find a circle through it.
      const first = lock.waiters.values().next().value;
      if (first !== undefined) this.fresh.add(first.task);
    });
  }

  private edges = (task: Task) => blockersOf(task, this.world.locks, this.world.scopes);

  override look(nowNs: number): void {
    this.circles = this.circles.filter((circle) => this.stillStands(circle, nowNs));
    if (this.fresh.size === 0) return;
    const fresh = this.fresh;
    this.fresh = new Set();
    let searched = 0;
    for (const task of fresh) {
      if (task.ended || this.circles.some((circle) => circle.tasks.includes(task))) continue;
      if (++searched > 5_000) {
        this.fresh.add(task);
        continue;
      }
      if (this.edges(task) === undefined) continue;
      const tasks = circleOf(task, this.edges);
      // Of one task alone: it waits for itself, that is `lock-reentry`.
      if (tasks === undefined || tasks.length < 2 || this.circles.length >= 100) continue;
      this.circles.push({
        tasks,
        waits: tasks.map((member) => member.waitSeq),
        firstNs: nowNs,
        looks: 1,
        finding: undefined,
        gaveUp: undefined,
        words: undefined,
      });
    }
  }

  private givesUp(task: Task): void {
    for (const circle of this.circles) if (circle.tasks.includes(task)) circle.gaveUp ??= task;
  }

  private stillStands(circle: Circle, nowNs: number): boolean {
    if (circle.tasks.some((task, index) => task.ended || task.waitSeq !== circle.waits[index])) {
      if (circle.gaveUp === undefined) this.world.store.resolve(circle.finding);
      else if (circle.finding !== undefined) this.world.store.revise(circle.finding, this.message(circle));
      // Part of it may have become another circle.
      if (circle.finding === undefined) for (const task of circle.tasks) if (!task.ended) this.fresh.add(task);
      return false;
    }
    circle.looks++;
    if (circle.finding === undefined && circle.looks >= 2 && nowNs - circle.firstNs >= STABLE_NS)
      circle.finding = this.raise(this.check(circle));
    else if (circle.finding !== undefined && circle.gaveUp === undefined) this.world.store.revise(circle.finding, this.message(circle));
    return true;
  }

  check(circle: Circle): Evidence<Circle> {
    const tasks = circle.tasks;
    const bounded = tasks.some((task) => task.scopes?.some((scope) => scope.deadlineNs > 0));
    const first = tasks[0]!;
    const locks = tasks.map(waitedLock);
    return {
      severity: bounded ? 'warning' : 'error',
      task: first,
      stack: waitStack(first),
      here: `${called(first)} waits here`,
      related: [
        ...tasks.slice(1, 10).map((task) => ({ label: `${called(task)} waits here`, stack: waitStack(task), task: task.ref })),
        ...locks.slice(0, 10).flatMap((lock) => {
          const holder = lock?.holders.find((hold) => hold.task !== undefined && tasks.includes(hold.task));
          if (lock === undefined || holder?.task === undefined) return [];
          return [{ label: `${called(holder.task)} holds ${lockName(lock)} since here`, stack: holder.stack, task: holder.task.ref }];
        }),
      ],
      // The same circle may be found from any of its tasks.
      key: tasks
        .map((task) => {
          const place = waitStack(task)?.place;
          return place === undefined ? task.coroutine : `${place.file}:${place.line}`;
        })
        .sort()
        .join('|'),
      about: [...tasks, ...locks],
      facts: circle,
    };
  }

  message(circle: Circle): string {
    circle.words ??= this.words(circle);
    return `${circle.words} ${this.length(circle)}`;
  }

  private words(circle: Circle): string {
    const steps = circle.tasks.slice(0, 6).map((task) => {
      const lock = waitedLock(task);
      const place = waitStack(task)?.place;
      const what = lock === undefined ? 'a task' : lockName(lock);
      return `${called(task)} waits for ${what}${place === undefined ? '' : ` at ${shortPlace(place)}`}`;
    });
    if (circle.tasks.length > 6) steps.push(`… (${circle.tasks.length} tasks)`);
    const holders = circle.tasks.some((task) => waitedLock(task) !== undefined) ? ', each held by the next' : ', each awaiting the next';
    return `Deadlock: ${steps.join('; ')}${holders}.`;
  }

  private length({ gaveUp, firstNs }: Circle): string {
    const stoodNs = this.nowNs - firstNs;
    if (gaveUp !== undefined) return `It stood for ${duration(stoodNs)}, until ${called(gaveUp)} was made to give up.`;
    return `It has stood for over ${duration(STEPS_NS.findLast((step) => step <= stoodNs) ?? stoodNs)}.`;
  }

  advice(circle: Circle): string {
    const locks = new Set(circle.tasks.map(waitedLock).filter((lock): lock is Lock => lock !== undefined));
    if (locks.size === 0) return 'Tasks await each other: break the circle, one of them must finish without the other.';
    if (locks.size === 1) return 'A task waits for another one while it holds the lock which that one needs: release it before awaiting.';
    return `Acquire the ${locks.size} locks in one order everywhere, or use a single lock for what they protect together.`;
  }
}

function waitedLock(task: Task): Lock | undefined {
  return task.lockWait?.lock;
}

function waitStack(task: Task) {
  return task.lockWait?.stack ?? task.waitStack ?? task.creation;
}
