import { css, html, LitElement, nothing } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import type { ListName } from '../../src/shared/panel';
import { formatCount, plural } from '../data/format';
import { store } from '../instance';
import { icon } from './icons';
import { base } from './styles';
import { Watch } from './watch';

/** A filter waits this long for the next key, ms. */
const TYPING_MS = 120;

/** Filter, "also ended" box, count and details switch of one list. Fires `go-list` when the user leaves it for the rows. */
@customElement('ah-filter-bar')
export class AhFilterBar extends LitElement {
  @property() list: ListName = 'tasks';
  @property() plural = 'tasks';
  /** Label of the check box for ended things; empty = no such box. */
  @property() ended = '';
  /** Whether there is a details pane to switch. */
  @property({ type: Boolean }) details = false;
  private watch: Watch | undefined;

  private get singular(): string {
    return this.plural.replace(/s$/, '');
  }

  private typing: ReturnType<typeof setTimeout> | undefined;

  static override styles = [
    base,
    css`
      :host {
        display: flex;
        align-items: center;
        gap: 12px;
        padding: 6px 8px 6px 12px;
      }
      vscode-text-field {
        flex: 0 1 300px;
        min-width: 80px;
      }
      vscode-text-field::part(root) {
        min-width: 0;
      }
      vscode-checkbox {
        flex: none;
        margin: 0;
        white-space: nowrap;
      }
      .count {
        margin-inline-start: auto;
        overflow: hidden;
        text-overflow: ellipsis;
        white-space: nowrap;
        font-variant-numeric: tabular-nums;
      }
      @media (max-width: 400px) {
        .count {
          display: none;
        }
        .switch {
          margin-inline-start: auto;
        }
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    this.watch ??= new Watch(this, store, [this.list, 'ui']);
  }

  override focus(): void {
    this.renderRoot.querySelector<HTMLElement>('vscode-text-field')?.focus();
  }

  private readonly onInput = (event: Event): void => {
    const { value } = event.target as HTMLInputElement;
    clearTimeout(this.typing);
    this.typing = setTimeout(() => store.setListState(this.list, { filter: value }), TYPING_MS);
  };

  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown' || event.key === 'Enter') {
      event.preventDefault();
      this.dispatchEvent(new CustomEvent('go-list'));
    } else if (event.key === 'Escape') {
      this.clear();
    }
  };

  private readonly clear = (): void => {
    clearTimeout(this.typing);
    const field = this.renderRoot.querySelector<HTMLInputElement>('vscode-text-field');
    if (field) field.value = '';
    store.setListState(this.list, { filter: '' });
  };

  private readonly onEnded = (event: Event): void => {
    const { checked } = event.target as HTMLInputElement;
    if (checked !== store.ui.lists[this.list].includeEnded) store.setListState(this.list, { includeEnded: checked });
  };

  override render() {
    const { filter, includeEnded } = store.ui.lists[this.list];
    const { total, all, loaded } = store.lists[this.list];
    const open = store.ui.details;
    return html`<vscode-text-field
        placeholder=${`Filter ${this.plural}`}
        aria-label=${`Filter ${this.plural}`}
        .value=${filter}
        @input=${this.onInput}
        @keydown=${this.onKey}
      >
        <span slot="start">${icon('search')}</span>
        ${filter ? html`<button slot="end" class="plain" title="Clear the filter" aria-label="Clear the filter" @click=${this.clear}>${icon('close')}</button>` : nothing}
      </vscode-text-field>
      ${this.ended ? html`<vscode-checkbox .checked=${includeEnded} @change=${this.onEnded}>${this.ended}</vscode-checkbox>` : nothing}
      <span class="count muted">${loaded ? (total === all ? plural(all, this.singular) : `${formatCount(total)} of ${formatCount(all)}`) : ''}</span>
      ${
        this.details
          ? html`<button
              class="plain switch"
              aria-pressed=${open ? 'true' : 'false'}
              title=${open ? 'Hide the details' : 'Show the details'}
              aria-label="Details pane"
              @click=${() => store.setDetails(!open)}
            >${icon('details')}</button>`
          : nothing
      }`;
  }
}
