import type { ReactiveController, ReactiveControllerHost } from 'lit';
import type { PanelStore, Slice } from '../store';

/** Draws an element again when one of the store's slices changed, as long as it is in the page. */
export class Watch implements ReactiveController {
  private stop: (() => void) | undefined;

  constructor(
    private readonly host: ReactiveControllerHost,
    private readonly store: PanelStore,
    private readonly slices: readonly Slice[],
  ) {
    host.addController(this);
  }

  hostConnected(): void {
    this.stop = this.store.watch(() => this.host.requestUpdate(), this.slices);
  }

  hostDisconnected(): void {
    this.stop?.();
  }
}
