import type { Finding } from '../../shared/findings';
import type { Stack } from '../core/definitions';
import type { Loop, Task } from '../core/entities';
import { longPlace } from '../core/places';
import { at, called, Detector, duration, type Evidence, type World } from './detector';

/** Work that a program does once: importing a module, loading the certificates of a client. True, but no mistake worth a warning. */
function isOnce(stack: Stack): boolean {
  return stack.frames.some(
    (frame) =>
      frame.file.startsWith('<frozen importlib') ||
      /^(?:.*\.)?(?:load_verify_locations|load_default_certs|create_default_context|create_ssl_context)$/.test(frame.function),
  );
}

/** What the user's line called, when that is where it stood: `, inside loads (decoder.py:337)`. */
function inside(stack: Stack | undefined): string {
  const leaf = stack?.shown[0];
  return leaf === undefined || leaf === stack?.place ? '' : `, inside ${longPlace(leaf)}`;
}

interface Block {
  loop: Loop;
  task: Task | undefined;
  ns: number;
  stack: Stack | undefined;
  /** How much of it the garbage collector ran, not asked by the program. */
  collectedNs?: number;
  /** Set for a whole turn that was slow: how many callbacks it ran. */
  callbacks?: number;
}

/** A slow turn of many callbacks is `info` up to this many times the threshold: starting a thousand tasks is not a mistake. */
const SLOW_TURN_FACTOR = 10;

/** A block without a stack is `info` up to this many times the threshold. */
const UNSEEN_FACTOR = 5;

/** Less than this of a block is not worth a word, ns. */
const COLLECTED_NS = 5e6;

/** One callback, or one whole turn of the loop, runs too long. Warning. */
export class BlockedLoop extends Detector<Block> {
  readonly code = 'blocked-loop';
  private readonly current = new Map<Loop, Finding>();

  constructor(world: World) {
    super(world);
    const { signals } = world.context;
    signals.loopBlock.on((loop, task, ns, stack, over) => this.block(loop, task, ns, stack, over));
    signals.loopSlowTurn.on((loop, callbacks, ns) => this.raise(this.checkTurn(loop, callbacks, ns)));
    signals.loopEnd.on((loop) => this.current.delete(loop));
  }

  private block(loop: Loop, task: Task | undefined, ns: number, stack: Stack | undefined, over: boolean): void {
    const running = this.current.get(loop);
    if (running === undefined) {
      const finding = this.raise(this.check(loop, task, ns, stack));
      if (finding !== undefined && !over) this.current.set(loop, finding);
    } else {
      // The longest one gives the words.
      if (ns > (this.longest.get(running) ?? 0)) {
        this.longest.set(running, ns);
        const seen = stack ?? loop.blocked?.stack;
        this.world.store.revise(running, this.message({ loop, task, ns, stack: seen, collectedNs: loop.collectedNs }), { stack: seen });
      }
      if (over) this.current.delete(loop);
    }
  }

  private readonly longest = new WeakMap<Finding, number>();

  check(loop: Loop, task: Task | undefined, ns: number, stack: Stack | undefined): Evidence<Block> | undefined {
    if (ns < this.world.context.thresholds.blockedLoopMs * 1e6) return undefined;
    // Standing in the debugger is not blocking.
    if (stack?.frames.slice(0, 8).some((frame) => /[\\/]?pydevd[\w.]*\.py$|[\\/]debugpy[\\/]/.test(frame.file))) return undefined;
    return {
      // What is left without the collector is what the code is to blame for.
      severity: ns - loop.collectedNs < this.world.context.thresholds.blockedLoopMs * 1e6 ? 'info' : this.severity(stack, ns),
      task,
      stack,
      here: 'blocked here',
      related: [{ label: `task ${called(task)} was created here`, stack: task?.creation, task: task?.ref }],
      // Repeated at one place by whatever task.
      ...(stack?.place === undefined ? {} : { key: `${stack.place.file}:${stack.place.line}` }),
      about: [loop, task],
      facts: { loop, task, ns, stack, collectedNs: loop.collectedNs },
    };
  }

  private severity(stack: Stack | undefined, ns: number): 'warning' | 'info' {
    // Nobody could look meanwhile: a call that kept the interpreter's lock, or a machine too busy to let the watchdog run.
    if (stack === undefined) return ns >= this.world.context.thresholds.blockedLoopMs * 1e6 * UNSEEN_FACTOR ? 'warning' : 'info';
    return stack.hasUserCode && !isOnce(stack) ? 'warning' : 'info';
  }

  checkTurn(loop: Loop, callbacks: number, ns: number): Evidence<Block> | undefined {
    const limit = this.world.context.thresholds.blockedLoopMs * 1e6;
    if (ns < limit) return undefined;
    // Where the callbacks cannot be counted, other threads may have kept the interpreter's lock as well.
    const severity = callbacks > 0 && ns >= limit * SLOW_TURN_FACTOR ? 'warning' : 'info';
    return { severity, key: `turn of loop ${loop.id}`, about: [loop], facts: { loop, task: undefined, ns, stack: undefined, callbacks } };
  }

  message({ loop, task, ns, stack, callbacks, collectedNs = 0 }: Block): string {
    if (callbacks === 0)
      return `A callback of the ${loop.type} loop had to wait ${duration(ns)} for its turn, though none ran for long by itself.`;
    if (callbacks === 1) return `One callback kept the ${loop.type} loop for ${duration(ns)}: everything else waited that long.`;
    if (callbacks !== undefined) {
      return `One turn of the ${loop.type} loop took ${duration(ns)} in ${callbacks} callbacks, none of them slow by itself: everything else waited that long.`;
    }
    const who = task === undefined ? 'a callback' : `task ${called(task)}`;
    return `The ${loop.type} loop was blocked for ${duration(ns)} by ${who}${at(stack)}${inside(stack)}${collectedNs < COLLECTED_NS ? '' : `, ${duration(collectedNs)} of it by the garbage collector, which ran by itself`}; nothing else could run.`;
  }

  advice({ loop, callbacks, stack, ns, collectedNs = 0 }: Block): string {
    if (callbacks === 1)
      return 'It was over before the probe could look where it stood. Split long work and yield with `sleep(0)` between the parts, or move it to a thread; a lower `blockedLoopMs` makes the probe look earlier.';
    if (callbacks !== undefined)
      return 'Too much is ready at once: limit how many tasks run side by side (a semaphore), or yield with `sleep(0)` inside long loops.';
    if (collectedNs * 2 > ns)
      return 'A full collection looks at every object of the program: `gc.freeze()` once the program has started takes those out that stay, and a higher third number in `gc.set_threshold(…)` makes full collections rarer.';
    const leaf = stack?.frames[0];
    const thread = loop.type === 'trio' ? 'trio.to_thread.run_sync' : 'asyncio.to_thread';
    const env = this.world.context.env;
    const toThread =
      loop.type !== 'trio' && env.python !== '' && !env.pythonAtLeast(3, 9)
        ? 'loop.run_in_executor'
        : env.has('anyio') && loop.type !== 'trio'
          ? 'anyio.to_thread.run_sync'
          : thread;
    if (leaf !== undefined && /(?:^|[\\/])(?:requests|urllib3|urllib|http|socket|ssl)(?:[\\/]|\.py$)/.test(leaf.file)) {
      return `Use an async client (aiohttp, httpx.AsyncClient) instead of the blocking one, or move the call to a thread: \`${toThread}(…)\`.`;
    }
    return `Move the blocking call to a thread with \`${toThread}(…)\`, or use an async library; long computations belong into a process pool.`;
  }
}
