import type { Finding, TaskRef } from '../../shared/findings';
import type { ProbeNote } from '../../shared/wire';
import type { Stack } from '../core/definitions';
import type { Task } from '../core/entities';
import type { Environment } from '../core/environment';
import { at, called, Detector, duration, type Evidence, shortName, type World } from './detector';

interface Unretrieved {
  /** What was given to the loop's exception handler is no task's failure; `task` ran then. */
  ofLoop: boolean;
  task: Task | undefined;
  name: string;
  exception: string;
  creation: Stack | undefined;
  raised: Stack | undefined;
  message: string;
  /** The task is still referred to, and nobody has looked at it for so long. */
  unseenNs?: number;
}

/** As many as the probe follows. */
const MAX_UNSEEN = 1_000;

/** A note is JSON from the program: each field is checked when it is used. */
const text = (value: unknown): string => (typeof value === 'string' ? value : '');
const number = (value: unknown): number => (typeof value === 'number' && Number.isFinite(value) ? value : 0);

/**
 * A failed task that nobody looked at, or an exception that reached the loop's handler. Error; a warning while the task is still
 * referred to: somebody may look yet.
 */
export class ExceptionNeverRetrieved extends Detector<Unretrieved> {
  readonly code = 'exception-never-retrieved';

  /** Findings of tasks that are still referred to, by the task's address. */
  private readonly unseen = new Map<number, Finding>();

  constructor(world: World) {
    super(world);
    world.context.signals.note.on((note) => this.hear(note));
  }

  private hear(note: ProbeNote): void {
    if (note.kind === 'exception-seen') return this.over(number(note.task));
    const evidence = this.check(note);
    if (evidence === undefined) return;
    const address = 'task' in note ? number(note.task) : 0;
    const known = note.kind === 'loop-exception' ? undefined : this.unseen.get(address);
    if (known !== undefined) {
      if (note.kind === 'exception-unseen') return; // told again to a new listener
      this.unseen.delete(address);
      this.world.store.revise(known, this.message(evidence.facts), { severity: 'error' });
      return;
    }
    const finding = this.raise(evidence);
    if (note.kind === 'exception-unseen' && finding !== undefined && this.unseen.size < MAX_UNSEEN) this.unseen.set(address, finding);
  }

  /** Somebody has looked at it. */
  private over(address: number): void {
    const finding = this.unseen.get(address);
    this.unseen.delete(address);
    // The same places may have told of a task that really was lost.
    if (finding?.severity !== 'warning' || [...this.unseen.values()].includes(finding)) return;
    this.world.store.resolve(finding);
  }

  check(note: ProbeNote): Evidence<Unretrieved> | undefined {
    if (note.kind !== 'exception-never-retrieved' && note.kind !== 'exception-unseen' && note.kind !== 'loop-exception') return undefined;
    const ofLoop = note.kind === 'loop-exception';
    const unseen = note.kind === 'exception-unseen';
    const { tasks, context } = this.world;
    const task = tasks.at(number(note.task));
    const raised = context.defs.stack(number(note.stack)) ?? task?.failure;
    const creation = ('creation' in note ? context.defs.stack(number(note.creation)) : undefined) ?? task?.creation;
    const name = ofLoop ? '' : text(note.taskName);
    const exception = text(note.exception);
    const ref: TaskRef | undefined = task === undefined && name !== '' ? { id: 0, name } : undefined;
    const useful = creation?.hasUserCode && !(ofLoop && raised !== undefined) ? creation : (raised ?? creation);
    return {
      // Without an exception it is a library's complaint, not a failure.
      severity: unseen || (ofLoop && exception === '') ? 'warning' : 'error',
      task,
      taskRef: ref,
      stack: useful,
      here: useful === raised ? 'raised here' : 'task created here',
      related: [
        { label: 'raised here', stack: useful === raised ? undefined : raised, task: task?.ref },
        { label: 'task created here', stack: useful === creation ? undefined : creation, task: task?.ref },
      ],
      about: [task, task?.group],
      facts: {
        ofLoop,
        task,
        name,
        exception,
        creation,
        raised,
        message: 'message' in note ? text(note.message) : '',
        ...(unseen ? { unseenNs: number(note.ageMs) * 1e6 } : {}),
      },
    };
  }

  message({ ofLoop, task, name, exception, creation, raised, message, unseenNs }: Unretrieved): string {
    if (ofLoop) {
      const during = task === undefined ? '' : ` (while task ${called(task)} ran)`;
      const what = exception === '' ? '' : `: ${firstLine(exception)}`;
      return `${firstLine(message) || "The loop's exception handler was called"}${what}${at(raised)}${during}.`;
    }
    const what = firstLine(exception) || 'an exception';
    if (task === undefined && name === '') return `${firstLine(message) || 'An exception reached the event loop'}: ${what}${at(raised)}.`;
    const who = task === undefined ? `"${name}"` : called(task);
    const failed = `Task ${who}${creation?.place === undefined ? '' : `, created${at(creation)},`} failed with ${what}`;
    if (unseenNs === undefined) return `${failed} and nobody looked at it.`;
    return `${failed}, and ${duration(unseenNs)} later nobody has looked at it. Python says nothing while something still refers to the task.`;
  }

  advice({ ofLoop, exception, unseenNs }: Unretrieved, env: Environment): string {
    if (ofLoop && exception === '') return 'A library says so through the event loop; nothing failed yet. Close or await what it names.';
    if (ofLoop)
      return 'It was raised in a callback or a transport, so no task can catch it: catch it there. `loop.set_exception_handler` decides what is done with the rest.';
    const group = env.pythonAtLeast(3, 11) ? 'asyncio.TaskGroup' : env.has('anyio') ? 'anyio.create_task_group()' : 'asyncio.gather(…)';
    if (unseenNs !== undefined)
      return `Await it where it is kept, give it a done callback that looks at \`task.exception()\`, or start it in ${group}, so that its failure reaches somebody at once.`;
    return `Await the task, or start it in ${group}, so that its failure reaches somebody.`;
  }
}

function firstLine(value: string): string {
  const line = value.split('\n', 1)[0] ?? '';
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

interface Unrun {
  coroutine: string;
  stack: Stack | undefined;
}

/** A coroutine object was dropped unrun. Warning, as Python's own. */
export class NeverAwaited extends Detector<Unrun> {
  readonly code = 'never-awaited';

  constructor(world: World) {
    super(world);
    world.context.signals.note.on((note) => this.raise(this.check(note)));
  }

  check(note: ProbeNote): Evidence<Unrun> | undefined {
    if (note.kind !== 'never-awaited') return undefined;
    const coroutine = text(note.coroutine);
    const stack = this.world.context.defs.stack(number(note.stack));
    return {
      severity: 'warning',
      stack,
      here: 'called here',
      ...(stack === undefined ? { key: coroutine } : {}),
      about: [],
      facts: { coroutine, stack },
    };
  }

  message({ coroutine, stack }: Unrun): string {
    return `Coroutine "${shortName(coroutine)}" was called${at(stack)} but never awaited: it did not run.`;
  }

  advice({ coroutine }: Unrun): string {
    const name = shortName(coroutine).split('.').pop();
    return `Write \`await ${name}(…)\`, or start it as a task (\`create_task\`, \`start_soon\`) and keep that.`;
  }
}

interface Misplaced {
  what: string;
  task: Task | undefined;
  loop: string;
  expected: string;
  stack: Stack | undefined;
}

/** A primitive or future is used from a loop or thread that it does not belong to. Error: it hangs or corrupts. */
export class WrongLoop extends Detector<Misplaced> {
  readonly code = 'wrong-loop';

  constructor(world: World) {
    super(world);
    world.context.signals.note.on((note) => this.raise(this.check(note)));
  }

  check(note: ProbeNote): Evidence<Misplaced> | undefined {
    if (note.kind !== 'wrong-loop') return undefined;
    const { tasks, loops, locks, context } = this.world;
    const task = tasks.at(number(note.task));
    const stack = context.defs.stack(number(note.stack));
    const lock = locks.at(number(note.object));
    const describe = (address: number) => {
      const loop = loops.at(address);
      return loop === undefined ? 'another thread' : `the ${loop.type} loop ${loop.id} of thread ${loop.threadName ?? loop.threadId}`;
    };
    const loop = number(note.loop);
    return {
      severity: 'error',
      task,
      stack: stack ?? task?.waitStack ?? task?.creation,
      here: stack === undefined ? undefined : 'used here',
      related: [
        { label: 'made here', stack: lock?.creation },
        { label: `task ${called(task)} was created here`, stack: task?.creation, task: task?.ref },
      ],
      about: [task, lock],
      facts: { what: text(note.what) || 'An object', task, loop: describe(loop), expected: describe(number(note.expectedLoop)), stack },
    };
  }

  message({ what, task, loop, expected, stack }: Misplaced): string {
    const who = task === undefined ? 'from' : `by task ${called(task)} in`;
    return `${what} belongs to ${expected} but is used ${who} ${loop}${at(stack)}.`;
  }

  advice(_facts: Misplaced, env: Environment): string {
    const old =
      env.python !== '' && !env.pythonAtLeast(3, 10)
        ? ` With Python ${env.python} it is bound to a loop when it is made: make it inside the running coroutine, not at import.`
        : '';
    return `Make it inside the loop that uses it; from another thread go through \`loop.call_soon_threadsafe(…)\` or \`asyncio.run_coroutine_threadsafe(…)\`.${old}`;
  }
}
