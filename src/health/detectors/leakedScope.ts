import { DelayQueue } from '../core/collections';
import type { Scope } from '../core/entities';
import type { Environment } from '../core/environment';
import { at, called, Detector, type Evidence, type World } from './detector';
import { scopeName } from './scopeExit';

/**
 * A task may end an instant before its generator is finalised, which then leaves the scope; the better diagnosis gets this
 * long to arrive, ns.
 */
const GRACE_NS = 300e6;

interface Leak {
  scope: Scope;
  /** How it is known. */
  how: 'host-ended' | 'collected' | 'program-ended';
}

/** Methods that open something for somebody else: a task that runs only this is a helper of the one who waits for it. */
const OPENERS = /(?:^|\.)(?:__aenter__|__anext__|asend|athrow|anext|aenter|enter_async_context|_wrap_awaitable)$/;

/** The task had somebody who lives on and was meant to use what it opened. */
function isHelper(scope: Scope): boolean {
  const host = scope.host;
  if (host === undefined) return false;
  if (OPENERS.test(host.coroutine)) return true;
  const user = host.group?.host ?? host.awaitedBy ?? host.parent;
  // Trio's own init task and the root of the tree are nobody.
  return user !== undefined && user.id !== 0 && user !== host && !user.ended && !/(?:^|\.)init$/.test(user.coroutine);
}

/** Who was alive is known only at the moment when the host ended. */
function decide(scope: Scope): void {
  scope.helped ??= isHelper(scope);
}

/** A scope was entered in a helper task that ended with it open. Error: its cancellation reaches nobody. */
export class ScopeOutlivesTask extends Detector<Leak> {
  readonly code = 'scope-outlives-task';
  private readonly waiting = new DelayQueue<Scope>(() => GRACE_NS);

  constructor(world: World) {
    super(world);
    world.context.signals.scopeOrphaned.on((scope) => {
      decide(scope);
      this.waiting.add(scope, this.nowNs);
    });
  }

  override look(nowNs: number): void {
    this.waiting.take(nowNs, (scope) => this.raise(this.check(scope)));
  }

  override end(nowNs: number): void {
    this.waiting.take(nowNs, (scope) => this.raise(this.check(scope)), true);
  }

  check(scope: Scope): Evidence<Leak> | undefined {
    if (scope.exit !== undefined || !scope.helped) return undefined;
    return leak(scope, 'host-ended');
  }

  message({ scope }: Leak): string {
    return `Task ${called(scope.host)} entered ${scopeName(scope)}${at(scope.entered)} for somebody else and ended with it open.`;
  }

  advice({ scope }: Leak, env: Environment): string {
    const enter = 'Enter and leave it in the task that uses it';
    const limit = env.pythonAtLeast(3, 11) ? '`asyncio.timeout`' : env.has('anyio') ? '`anyio.fail_after`' : '`async_timeout.timeout`';
    const waitFor = env.pythonAtLeast(3, 12)
      ? ' (`wait_for` runs in the same task since 3.12; `gather`, `create_task` and `ensure_future` still make a new one)'
      : ' (before Python 3.12 `wait_for` runs its argument in a task of its own)';
    const library = scope.type === 'nursery' ? 'nursery.start(…)' : 'a task that stays alive';
    return `${enter}; to bound the time of entering, put ${limit} around it instead of \`wait_for\`${waitFor}. If a helper must own it, keep ${library} until it is left.`;
  }
}

/** The host task finished, or the program ended, with the scope open. */
export class LeakedScope extends Detector<Leak> {
  readonly code = 'leaked-scope';
  private readonly waiting = new DelayQueue<Scope>(() => GRACE_NS);

  constructor(world: World) {
    super(world);
    world.context.signals.scopeOrphaned.on((scope) => {
      decide(scope);
      this.waiting.add(scope, this.nowNs);
    });
    world.context.signals.scopeLost.on((scope) => {
      if (scope.findings === undefined) this.raise(this.check(scope, 'collected'));
    });
  }

  override look(nowNs: number): void {
    this.waiting.take(nowNs, (scope) => this.mature(scope));
  }

  override end(nowNs: number, orderly: boolean): void {
    this.waiting.take(nowNs, (scope) => this.mature(scope), true);
    if (!orderly) return;
    let looked = 0;
    for (const scope of this.world.scopes.open()) {
      if (++looked > 1_000) break;
      if (scope.host !== undefined && !scope.host.ended && scope.findings === undefined) this.raise(this.check(scope, 'program-ended'));
    }
  }

  private mature(scope: Scope): void {
    if (scope.exit === undefined && !scope.helped) this.raise(this.check(scope, 'host-ended'));
  }

  check(scope: Scope, how: Leak['how']): Evidence<Leak> | undefined {
    const evidence = leak(scope, how);
    // A process that stops with loops of daemon threads still running leaves their scopes open by design.
    if (how === 'program-ended') evidence.severity = 'info';
    return evidence;
  }

  message({ scope, how }: Leak): string {
    const what = `${scopeName(scope)} entered by task ${called(scope.host)}${at(scope.entered)}`;
    if (how === 'collected') return `${what} was dropped without being left.`;
    if (how === 'program-ended') return `${what} was still open when the program ended.`;
    return `${what} was still open when that task ended.`;
  }

  advice(): string {
    return 'Find the path that skips the exit: the entry is shown. Use `with`/`async with` instead of calling the enter and exit methods, or an AsyncExitStack.';
  }
}

function leak(scope: Scope, how: Leak['how']): Evidence<Leak> {
  return {
    severity: 'error',
    task: scope.host,
    stack: scope.entered,
    here: 'entered here',
    related: [{ label: `task ${called(scope.host)} was created here`, stack: scope.host?.creation, task: scope.host?.ref }],
    about: [scope, scope.host, scope.generator],
    facts: { scope, how },
  };
}
