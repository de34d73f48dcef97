import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { formatCount } from '../data/format';
import { store } from '../instance';
import type { ListRows } from '../store';
import { detailStyles } from '../ui/details';
import { emptyState, emptyStyles } from '../ui/empty';
import type { GridList, GridModel } from '../ui/grid';
import type { IconName } from '../ui/icons';
import { base, stateColours } from '../ui/styles';
import { Watch } from '../ui/watch';
import '../ui/filterBar';
import '../ui/grid';
import '../ui/split';

/** A list with its filter, its virtual grid and its details pane: tasks, scopes, locks and sessions. */
export abstract class ListSection<L extends GridList> extends LitElement {
  abstract readonly list: L;
  /** For the filter's placeholder: `tasks`. */
  abstract readonly plural: string;
  abstract readonly icon: IconName;
  /** What shows here once there is something. */
  abstract readonly purpose: string;
  /** Label of the check box for ended things; empty = no such box. */
  readonly endedLabel: string = '';
  protected abstract readonly grid: GridModel<never>;
  protected abstract details(row: ListRows[L]): TemplateResult;
  /** Above the list, e.g. a circle of locks. */
  protected banner(): TemplateResult | typeof nothing {
    return nothing;
  }

  private watch: Watch | undefined;
  /** The selected row as last seen. */
  private last: ListRows[L] | undefined;

  static override styles = [
    base,
    stateColours,
    detailStyles,
    emptyStyles,
    css`
      :host {
        display: grid;
        grid-template-rows: auto auto minmax(0, 1fr);
        height: 100%;
        min-height: 0;
      }
      .cycles {
        padding: 0 12px 8px;
      }
      .cycles .callout {
        padding: 6px 10px;
        border: 1px solid var(--vscode-inputValidation-errorBorder, var(--ah-error));
        border-radius: 4px;
        background: var(--vscode-inputValidation-errorBackground);
        color: var(--vscode-foreground);
      }
      .cycles .callout + .callout {
        margin-top: 6px;
      }
      .cycles .callout .muted {
        color: inherit;
        opacity: 0.8;
      }
      .chain {
        display: flex;
        flex-wrap: wrap;
        align-items: center;
        gap: 2px 6px;
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    this.watch ??= new Watch(this, store, [this.list, 'ui', 'overview']);
  }

  focusFilter(): void {
    this.renderRoot.querySelector<HTMLElement>('ah-filter-bar')?.focus();
  }

  private readonly focusList = (): void => {
    this.renderRoot.querySelector<HTMLElement>('ah-grid')?.focus();
  };

  protected emptyList(): TemplateResult {
    const { filter, includeEnded } = store.ui.lists[this.list];
    const { all } = store.lists[this.list];
    if (filter) {
      return emptyState(
        'search',
        `No match for “${filter}”`,
        `None of ${formatCount(all)} ${this.plural} matches.`,
        html`<vscode-button appearance="secondary" @click=${() => store.setListState(this.list, { filter: '' })}>Clear the filter</vscode-button>`,
      );
    }
    if (all > 0 && !includeEnded && this.endedLabel) {
      return emptyState(
        this.icon,
        `No ${this.plural} alive`,
        `${formatCount(all)} have ended.`,
        html`<vscode-button appearance="secondary" @click=${() => store.setListState(this.list, { includeEnded: true })}>Show them</vscode-button>`,
      );
    }
    return emptyState(this.icon, `No ${this.plural}${store.process?.state === 'ended' ? ' were seen' : ' yet'}`, this.purpose);
  }

  override render() {
    const { selected: id } = store.ui.lists[this.list];
    const found = id === undefined ? undefined : (store.lists[this.list].byId(id) as ListRows[L] | undefined);
    // Scrolled out of the window, or gone from the list: the details keep what was last known of it.
    if (found || this.last?.id !== id) this.last = found;
    const selected = this.last;
    const open = store.ui.details && selected !== undefined;
    return html`<ah-filter-bar .list=${this.list} .plural=${this.plural} .ended=${this.endedLabel} details @go-list=${this.focusList}></ah-filter-bar>
      <div>${this.banner()}</div>
      <ah-split ?open=${open} .share=${store.ui.split}>
        <ah-grid slot="main" .model=${this.grid}></ah-grid>
        ${open ? html`<div slot="side" class="details" role="region" aria-label="Details">${this.details(selected)}</div>` : nothing}
      </ah-split>`;
  }
}
