import type { Stack } from '../core/definitions';
import type { Generator, Scope, Task } from '../core/entities';
import type { Environment } from '../core/environment';
import { at, called, Detector, type Evidence, shortName, type World } from './detector';
import { scopeName } from './scopeExit';

interface GeneratorFacts {
  generator: Generator;
  task: Task | undefined;
  scope: Scope | undefined;
  stack: Stack | undefined;
  /** Finalised at the loop's shutdown rather than by the collector. */
  shutdown: boolean;
}

/** An async generator that holds a scope is closed by the collector or the loop's shutdown, in another task. Error. */
export class AbandonedGenerator extends Detector<GeneratorFacts> {
  readonly code = 'abandoned-generator';

  constructor(world: World) {
    super(world);
    world.context.signals.generatorFinal.on((generator, task, how, stack) => this.raise(this.check(generator, task, how, stack)));
  }

  /** A generator without an open scope may be dropped: nothing depends on when it is closed. */
  check(generator: Generator, task: Task | undefined, how: number, stack: Stack | undefined): Evidence<GeneratorFacts> | undefined {
    const scope = heldScope(generator, stack);
    if (scope === undefined) return undefined;
    return {
      severity: 'error',
      task: generator.task ?? scope.host,
      stack: stack ?? generator.stack,
      here: stack === undefined ? 'iterated here' : 'left unfinished here',
      related: [
        { label: `${scopeName(scope)} entered here by ${called(scope.host)}`, stack: scope.entered, task: scope.host?.ref },
        { label: 'iterated here', stack: generator.stack, task: generator.task?.ref },
      ],
      about: [generator, scope, generator.task, scope.host, task],
      facts: { generator, task, scope, stack, shutdown: how === 2 },
    };
  }

  message({ generator, scope, stack, shutdown }: GeneratorFacts): string {
    const name = generatorName(generator, stack);
    const by = shutdown ? "the loop's shutdown" : 'the garbage collector';
    return `Async generator ${name}, iterated by task ${called(generator.task ?? scope?.host)}, was left unfinished${at(stack)} and is closed by ${by}, in another task, with ${scope === undefined ? 'a scope' : scopeName(scope)} open.`;
  }

  advice(_facts: GeneratorFacts, env: Environment): string {
    const aclosing = env.pythonAtLeast(3, 10)
      ? '`async with contextlib.aclosing(generator) as items:`'
      : '`try: … finally: await generator.aclose()` (contextlib.aclosing needs Python 3.10)';
    return `Finish the generator in the task that iterates it: ${aclosing}. Better, do not yield inside a scope: hand out a channel or a context manager (PEP 789).`;
  }
}

/** The scope that the generator opened and did not leave: told by the probe, or entered in the very function that is suspended. */
function heldScope(generator: Generator, stack: Stack | undefined): Scope | undefined {
  for (const scope of generator.scopes ?? []) if (scope.active) return scope;
  const frame = stack?.frames[0];
  const open = generator.task?.scopes;
  if (frame === undefined || open === undefined) return undefined;
  return open.find((scope) => scope.entered?.frames.some((entry) => entry.file === frame.file && entry.function === frame.function));
}

function generatorName(generator: Generator, stack: Stack | undefined): string {
  const name = shortName(generator.name) || stack?.place?.function || '';
  return name === '' ? '' : `"${name}"`;
}

/** Async generators that only serve a context manager or a test fixture run their two halves in one task, by contract. */
const CONTEXT_MANAGERS =
  /(?:^|[\\/])(?:contextlib|pytest_plugin)\.py$|[\\/](?:pytest_asyncio|pytest_trio|_pytest|async_generator|aiocontext)[\\/]/;

/** Latent: a generator yields while a scope that it opened is active; nothing has failed yet. Warning. */
export class YieldInScope extends Detector<GeneratorFacts> {
  readonly code = 'yield-in-scope';

  constructor(world: World) {
    super(world);
    world.context.signals.generatorYield.on((generator, task, scope, stack) => {
      // Once per scope is enough: it yields again and again.
      if (scope?.yieldSeen) return;
      if (scope !== undefined) scope.yieldSeen = true;
      this.raise(this.check(generator, task, scope, stack));
    });
  }

  check(
    generator: Generator,
    task: Task | undefined,
    scope: Scope | undefined,
    stack: Stack | undefined,
  ): Evidence<GeneratorFacts> | undefined {
    if (scope !== undefined && !scope.active) return undefined;
    // The caller of a fixture's or context manager's generator is the library that drives it.
    if (generator.stack?.frames.slice(0, 4).some((frame) => CONTEXT_MANAGERS.test(frame.file))) return undefined;
    return {
      severity: 'warning',
      task: task ?? generator.task,
      stack: stack ?? scope?.entered,
      here: stack === undefined ? undefined : 'yields here',
      related: [
        { label: `${scope === undefined ? 'scope' : scopeName(scope)} entered here`, stack: scope?.entered, task: scope?.host?.ref },
      ],
      about: [generator, scope],
      facts: { generator, task, scope, stack, shutdown: false },
    };
  }

  message({ generator, task, scope, stack }: GeneratorFacts): string {
    return `Async generator ${generatorName(generator, stack)} yields${at(stack)} to task ${called(task ?? generator.task)} inside ${scope === undefined ? 'a scope' : scopeName(scope)} that it opened${at(scope?.entered)}; its cancellation can strike whoever iterates.`;
  }

  advice(_facts: GeneratorFacts, env: Environment): string {
    const channel =
      env.has('trio') && !env.has('anyio')
        ? 'trio.open_memory_channel'
        : env.has('anyio')
          ? 'anyio.create_memory_object_stream'
          : 'asyncio.Queue';
    return `Do not yield inside a cancel scope, timeout or task group: hand out a channel (\`${channel}\`) filled by a task, or make it an \`@asynccontextmanager\` (PEP 789; ruff rule ASYNC119 finds these).`;
  }
}
