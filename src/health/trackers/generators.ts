import { Generator, type Scope, type Task } from '../core/entities';
import type { Context } from '../core/world';

/** Async generators that are being iterated. Most come and go unremarked; only what is open is kept. */
export class GeneratorTracker {
  private readonly byAddress = new Map<number, Generator>();
  private nextId = 1;
  finalised = 0;

  constructor(
    private readonly context: Context,
    private readonly task: (address: number) => Task | undefined,
  ) {}

  get size(): number {
    return this.byAddress.size;
  }

  at(address: number): Generator | undefined {
    return this.byAddress.get(address);
  }

  create(address: number, t: number, task: number, nameId: number, stackId: number): Generator | undefined {
    const { context } = this;
    const known = this.byAddress.get(address);
    if (known !== undefined && context.inSync) {
      known.seen = context.syncEpoch;
      return known;
    }
    if (this.byAddress.size >= context.retention.live) {
      context.untracked++;
      return undefined;
    }
    const name = context.defs.string(nameId);
    const generator = new Generator(this.nextId++, address, name, this.task(task), context.defs.stack(stackId), t);
    generator.seen = context.syncEpoch;
    this.byAddress.set(address, generator);
    return generator;
  }

  yieldInScope(address: number, t: number, taskAddress: number, scope: Scope | undefined, stackId: number): void {
    const generator = this.byAddress.get(address) ?? this.create(address, t, taskAddress, 0, 0);
    if (generator === undefined) return;
    if (scope?.active) {
      if (generator.scopes === undefined) generator.scopes = new Set();
      generator.scopes.add(scope);
      scope.generator = generator;
    }
    this.context.signals.generatorYield.emit(generator, this.task(taskAddress), scope, this.context.defs.stack(stackId));
  }

  final(address: number, t: number, taskAddress: number, how: number, stackId: number): void {
    const generator = this.byAddress.get(address) ?? this.create(address, t, 0, 0, 0);
    if (generator === undefined) return;
    this.finalised++;
    this.context.signals.generatorFinal.emit(generator, this.task(taskAddress), how, this.context.defs.stack(stackId));
  }

  end(address: number): void {
    const generator = this.byAddress.get(address);
    if (generator === undefined) return;
    generator.ended = true;
    this.byAddress.delete(address);
    this.context.signals.generatorEnd.emit(generator);
  }

  sweep(): void {
    for (const generator of this.byAddress.values()) {
      if (generator.seen !== this.context.syncEpoch) this.byAddress.delete(generator.address);
    }
  }
}
