import { ExitFlag, ScopeKind } from '../../shared/wire';
import type { Scope, ScopeExitRecord } from '../core/entities';
import type { Environment } from '../core/environment';
import { isCrossTask } from '../trackers/scopes';
import { at, called, Detector, type Evidence, type World } from './detector';

interface ExitFacts {
  scope: Scope;
  exit: ScopeExitRecord;
}

export function scopeName(scope: Scope): string {
  const library = scope.kind === ScopeKind.AsyncioTimeout ? 'asyncio.' : '';
  return `${library}${scope.type}${scope.name === '' ? '' : ` "${scope.name}"`}`;
}

/** A scope is left by a task other than the one that entered it. Error: cancellation now goes to the wrong task. */
export class CrossTaskExit extends Detector<ExitFacts> {
  readonly code = 'cross-task-exit';

  constructor(world: World) {
    super(world);
    world.context.signals.scopeMisuse.on((scope, exit) => this.raise(this.check(scope, exit)));
  }

  /** By identity of the two tasks: asyncio raises nothing for this, and the libraries' texts differ. */
  check(scope: Scope, exit: ScopeExitRecord): Evidence<ExitFacts> | undefined {
    if (!isCrossTask(scope, exit)) return undefined;
    return {
      severity: 'error',
      task: exit.by ?? scope.host,
      stack: exit.stack ?? scope.entered,
      here: exit.stack === undefined ? 'entered here' : 'left here',
      related: [{ label: `entered here by ${called(scope.host)}`, stack: scope.entered, task: scope.host?.ref }],
      about: [scope, scope.host, exit.by, scope.generator],
      facts: { scope, exit },
    };
  }

  message({ scope, exit }: ExitFacts): string {
    const who = exit.flags & ExitFlag.ByFinaliser ? ' (closing an abandoned async generator)' : '';
    return `${scopeName(scope)} entered by task ${called(scope.host)}${at(scope.entered)} was left by task ${called(exit.by)}${who}${at(exit.stack)}.`;
  }

  advice({ scope, exit }: ExitFacts, env: Environment): string {
    const base = 'Let one task own the whole `async with`, from entry to exit; other tasks ask it through a queue or an event.';
    if (exit.flags & ExitFlag.ByFinaliser) {
      return `The exit ran because an async generator was left unfinished: iterate it under \`contextlib.aclosing(…)\`. ${base}`;
    }
    if (scope.kind === ScopeKind.AsyncioTimeout || scope.kind === ScopeKind.AsyncioTaskGroup) {
      const what = scope.kind === ScopeKind.AsyncioTimeout ? 'the timeout guards the wrong task' : 'a failing child cancels the wrong task';
      return `${base} Python ${env.python} raises nothing for this: ${what}.`;
    }
    return base;
  }
}

/** Two scopes of one task left in the order in which they were entered. Error: the inner one now has no parent to pass its cancellation on. */
export class OutOfOrderExit extends Detector<ExitFacts & { inner: Scope | undefined }> {
  readonly code = 'out-of-order-exit';

  constructor(world: World) {
    super(world);
    world.context.signals.scopeMisuse.on((scope, exit) => this.raise(this.check(scope, exit)));
  }

  check(scope: Scope, exit: ScopeExitRecord): Evidence<ExitFacts & { inner: Scope | undefined }> | undefined {
    if (!(exit.flags & ExitFlag.OutOfOrder) || isCrossTask(scope, exit)) return undefined;
    const open = scope.host?.scopes;
    // Entered later and still open: the one that should have been left first.
    const inner = open?.filter((other) => other !== scope && other.enteredNs >= scope.enteredNs).at(-1);
    return {
      severity: 'error',
      task: exit.by ?? scope.host,
      stack: exit.stack ?? scope.entered,
      here: exit.stack === undefined ? 'entered here' : 'left here',
      related: [
        { label: 'entered here', stack: scope.entered, task: scope.host?.ref },
        { label: 'still open, entered later here', stack: inner?.entered, task: inner?.host?.ref },
      ],
      about: [scope, inner, scope.host, scope.generator],
      facts: { scope, exit, inner },
    };
  }

  message({ scope, exit, inner }: ExitFacts & { inner: Scope | undefined }): string {
    const other = inner === undefined ? 'a scope that it had entered later' : `${scopeName(inner)} entered later${at(inner.entered)}`;
    return `Task ${called(exit.by ?? scope.host)} left ${scopeName(scope)}${at(exit.stack)} while ${other} was still open.`;
  }

  advice(): string {
    return 'Leave scopes in reverse order of entry: nest the `with` blocks, use one AsyncExitStack, or give each resource a task of its own that enters and leaves it.';
  }
}
