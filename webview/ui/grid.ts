import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from 'lit';
import { customElement, property, query, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import { type TreeMove, treeKey } from '../data/keys';
import { drawnRows, type Range, scrollToShow, visibleRows, wantedWindow } from '../data/viewport';
import { store } from '../instance';
import type { ListRows } from '../store';
import { type Column, fitting } from './column';
import { emptyStyles } from './empty';
import { gridStyles } from './gridStyles';
import { icon } from './icons';
import { type MenuItem, showMenu } from './menu';
import { base, stateColours } from './styles';
import { vars } from './vars';
import { Watch } from './watch';

export type GridList = 'tasks' | 'scopes' | 'locks' | 'sessions';
export type GridRow = ListRows[GridList];

/** What a section tells the grid about its rows. */
export interface GridModel<R> {
  list: GridList;
  /** For screen readers. */
  label: string;
  columns: Column<R>[];
  /** The row in two lines, for narrow places. */
  compact: (row: R) => TemplateResult;
  /** Spoken name of a row. */
  describe: (row: R) => string;
  classes?: (row: R) => string;
  /** Trees: whether the row has children. */
  expandable?: (row: R, next: R | undefined) => boolean;
  open: (row: R) => void;
  menu: (row: R) => MenuItem[];
  empty: () => TemplateResult;
}

/** Rows drawn beyond the visible ones, on either side. */
const EXTRA = 10;
const HEAD = 27;
const ROW = 22;
/** Two-line rows below this width, px. */
const NARROW = 560;
const ROW_NARROW = 42;

/** A virtual list or tree of one of the store's lists: draws what is visible, asks the host for what is near. */
@customElement('ah-grid')
export class AhGrid extends LitElement {
  @property({ attribute: false }) model!: GridModel<GridRow>;
  @state() private drawn: Range = { first: 0, end: 0 };
  /** px. Another width is drawn again only when it shows other columns. */
  private width = 800;
  @query('.scroller') private scroller!: HTMLElement;
  private height = 400;
  /** Last known index of the selected row, for when it is scrolled out of the loaded window. */
  private lastIndex = -1;
  private watch: Watch | undefined;
  private readonly sized = new ResizeObserver((entries) => this.resized(entries));
  private scrollFrame = 0;
  /** Scroll position, px. Reading it from the element would force a layout in the middle of a frame. */
  private top = 0;
  private restored = false;
  /** Rows drawn beyond the visible ones: none in the first picture, which is then there sooner. */
  private extra = 0;

  // The sections hand in what is shown when there are no rows.
  static override styles = [base, stateColours, emptyStyles, gridStyles];

  override connectedCallback(): void {
    super.connectedCallback();
    // The section sets `model` before the element is connected: it is part of the same template.
    this.watch ??= new Watch(this, store, [this.model.list, 'ui']);
    this.sized.observe(this);
    this.restored = false;
    this.extra = 0;
    this.top = this.ui.scroll;
    // A guess until the observer says, rather a row too many: one too few would draw and lay out everything twice in that frame.
    this.width = window.innerWidth;
    this.height = Math.max(100, window.innerHeight - 160);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.sized.disconnect();
  }

  override focus(): void {
    this.scroller?.focus();
  }

  private get cache() {
    return store.lists[this.model.list] as unknown as import('../data/listCache').ListCache<GridRow>;
  }

  private get ui() {
    return store.ui.lists[this.model.list];
  }

  private get columns(): Column<GridRow>[] {
    return fitting(this.model.columns, this.width);
  }

  private get narrow(): boolean {
    return this.width < NARROW;
  }

  private get rowHeight(): number {
    return this.narrow ? ROW_NARROW : ROW;
  }

  private get headHeight(): number {
    return this.narrow ? 0 : HEAD;
  }

  private get visible(): Range {
    const { top } = this;
    return visibleRows(top, Math.max(0, this.height - this.headHeight), this.rowHeight, this.cache.total);
  }

  private resized(entries: ResizeObserverEntry[]): void {
    const box = entries[entries.length - 1]?.contentRect;
    if (!box || box.height === 0) return;
    const shown = this.columns.length;
    const { narrow } = this;
    this.height = box.height;
    this.width = box.width;
    if (this.narrow !== narrow || this.columns.length !== shown) this.requestUpdate();
    this.look(this.extra > 0);
  }

  private readonly onScroll = (): void => {
    if (this.scrollFrame !== 0) return;
    this.scrollFrame = requestAnimationFrame(() => {
      this.scrollFrame = 0;
      this.top = this.scroller.scrollTop;
      this.look();
      if (this.restored) store.rememberScroll(this.model.list, this.top);
    });
  };

  /** Draws other rows when the visible ones come near the drawn ones' edge, and asks the host for another window when needed. */
  private look(force = false): void {
    const { total } = this.cache;
    const visible = this.visible;
    const near = Math.min(3, this.extra);
    const low = visible.first - near < this.drawn.first && this.drawn.first > 0;
    const high = visible.end + near > this.drawn.end && this.drawn.end < total;
    if (force || low || high) {
      const drawn = drawnRows(visible, total, this.extra);
      if (drawn.first !== this.drawn.first || drawn.end !== this.drawn.end) this.drawn = drawn;
    }
    if (store.revealing?.list === this.model.list) return;
    const wanted = wantedWindow(visible, total, store.windowOf(this.model.list));
    if (wanted && this.cache.loaded) store.setWindow(this.model.list, wanted);
  }

  protected override willUpdate(changed: PropertyValues): void {
    const { selected } = this.ui;
    if (selected !== undefined) {
      const at = this.cache.indexOf(selected);
      if (at >= 0) this.lastIndex = at;
    } else {
      this.lastIndex = -1;
    }
    if (this.lastIndex >= this.cache.total) this.lastIndex = this.cache.total - 1;
    // Its initial value counts as a change in the first update, which would then draw no row.
    if (!changed.has('drawn') || !this.hasUpdated) {
      const drawn = drawnRows(this.visible, this.cache.total, this.extra);
      if (drawn.end !== this.drawn.end || drawn.first !== this.drawn.first) this.drawn = drawn;
    }
  }

  protected override updated(): void {
    if (!this.cache.loaded) return;
    let first = false;
    if (!this.restored && this.cache.total > 0) {
      this.restored = true;
      if (this.ui.scroll > 0) this.scroller.scrollTop = this.ui.scroll;
      first = true;
      requestAnimationFrame(() => {
        this.extra = EXTRA;
        this.look(true);
      });
    }
    const { revealing } = store;
    if (revealing?.list === this.model.list) {
      const at = this.cache.indexOf(revealing.id);
      if (at >= 0) {
        store.revealing = undefined;
        this.show(at, true);
        this.focus();
      }
    }
    if (!first) this.look();
  }

  private show(index: number, center = false): void {
    const room = this.height - this.headHeight;
    const top = scrollToShow(index, this.top, room, this.rowHeight, center);
    if (top === this.top) return;
    this.top = top;
    this.scroller.scrollTop = top;
  }

  // --- rows ------------------------------------------------------------------------------------------------------------

  /** Sorted or filtered, a tree is a plain list. */
  private get flat(): boolean {
    return this.model.expandable === undefined || this.ui.sort !== undefined || this.ui.filter.trim() !== '';
  }

  private isExpandable(row: GridRow, index: number): boolean {
    if (!this.model.expandable || this.flat) return false;
    return this.model.expandable(row, this.cache.at(index + 1)) || this.isCollapsed(row);
  }

  private isCollapsed(row: GridRow): boolean {
    const { list } = this.model;
    return (list === 'tasks' || list === 'scopes') && store.ui.collapsed[list].includes(row.id);
  }

  private select(index: number): void {
    const row = this.cache.at(index);
    this.lastIndex = index;
    if (row) store.setListState(this.model.list, { selected: row.id });
    this.show(index);
  }

  private rowAt(event: Event): { row: GridRow; index: number; part: Element } | undefined {
    const part = event.target as Element;
    const element = part.closest<HTMLElement>('.row[data-index]');
    const index = Number(element?.dataset.index ?? -1);
    const row = this.cache.at(index);
    return row && { row, index, part };
  }

  private readonly onClick = (event: MouseEvent): void => {
    const hit = this.rowAt(event);
    if (!hit) return;
    if (hit.part.closest('.twistie')) this.toggle(hit.row);
    else this.select(hit.index);
  };

  private readonly onDouble = (event: MouseEvent): void => {
    const hit = this.rowAt(event);
    if (hit && !hit.part.closest('.twistie, .link, button')) this.model.open(hit.row);
  };

  private readonly onMenu = (event: MouseEvent): void => {
    event.preventDefault();
    const hit = this.rowAt(event);
    if (!hit) return;
    this.select(hit.index);
    showMenu(event.clientX, event.clientY, this.model.menu(hit.row), this.scroller);
  };

  private toggle(row: GridRow, collapsed?: boolean): void {
    const { list } = this.model;
    if (list === 'tasks' || list === 'scopes') store.toggleCollapsed(list, row.id, collapsed);
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    if (event.target !== this.scroller || event.ctrlKey || event.metaKey || event.altKey) return;
    const index = this.lastIndex;
    const row = this.cache.at(index) as (GridRow & { depth?: number }) | undefined;
    const move = treeKey(
      event.key,
      {
        index,
        total: this.cache.total,
        page: Math.floor((this.height - this.headHeight) / this.rowHeight),
        depth: row?.depth ?? 0,
        expandable: row ? this.isExpandable(row, index) : false,
        expanded: row ? !this.isCollapsed(row) : false,
        depthAt: (i) => (this.cache.at(i) as { depth?: number } | undefined)?.depth,
      },
      event.shiftKey,
    );
    if (!move) return;
    event.preventDefault();
    this.obey(move, row);
  };

  private obey(move: NonNullable<TreeMove>, row: GridRow | undefined): void {
    if ('to' in move) {
      this.select(move.to);
      return;
    }
    if (!row) return;
    switch (move.do) {
      case 'expand':
        return this.toggle(row, false);
      case 'collapse':
        return this.toggle(row, true);
      case 'open':
        return this.model.open(row);
      case 'details':
        return store.setDetails(!store.ui.details);
      case 'menu': {
        const box = this.renderRoot.querySelector('.row.selected')?.getBoundingClientRect();
        if (box) showMenu(box.left + 40, box.bottom, this.model.menu(row), this.scroller);
      }
    }
  }

  private sortBy(column: Column<GridRow>): void {
    const { sort } = this.ui;
    // Largest first, then smallest first, then back to the tree or to relevance.
    const next =
      sort?.key !== column.key
        ? { key: column.key, descending: column.align === 'end' }
        : sort.descending === (column.align === 'end')
          ? { key: column.key, descending: !sort.descending }
          : undefined;
    store.setListState(this.model.list, { sort: next });
    this.top = 0;
    this.scroller.scrollTop = 0;
  }

  // --- drawing -----------------------------------------------------------------------------------------------------------

  override render() {
    const { model, cache, columns } = this;
    const tracks = this.narrow ? '1fr' : columns.map((column) => column.width).join(' ');
    const { first, end } = this.drawn;
    const indices: number[] = [];
    for (let i = first; i < end; i++) indices.push(i);
    const { selected } = this.ui;
    return html`<div
        class="scroller ${this.lastIndex < 0 ? 'unselected' : ''}"
        role=${model.expandable ? 'treegrid' : 'grid'}
        tabindex="0"
        aria-label=${model.label}
        aria-rowcount=${cache.total + 1}
        aria-colcount=${columns.length}
        aria-activedescendant=${this.lastIndex >= first && this.lastIndex < end ? `r${this.lastIndex}` : nothing}
        ${vars({ '--cols': tracks, '--row': `${this.rowHeight}px` })}
        @scroll=${this.onScroll}
        @keydown=${this.onKey}
        @click=${this.onClick}
        @dblclick=${this.onDouble}
        @contextmenu=${this.onMenu}
      >
        ${this.narrow ? nothing : this.head(columns)}
        <div class="space" role="presentation" ${vars({ height: `${cache.total * this.rowHeight}px` })}>
          <div class="rows" role="rowgroup" ${vars({ transform: `translateY(${first * this.rowHeight}px)` })}>
            ${repeat(
              indices,
              (index) => index,
              (index) => this.row(index, columns, selected),
            )}
          </div>
        </div>
      </div>
      ${cache.loaded && cache.total === 0 ? html`<div class="empty">${model.empty()}</div>` : nothing}`;
  }

  private head(columns: Column<GridRow>[]) {
    const { sort } = this.ui;
    return html`<div class="head" role="row" aria-rowindex="1">
      ${columns.map((column) => {
        const sorted = sort?.key === column.key;
        return html`<div
          class="cell ${column.align ?? ''}"
          role="columnheader"
          aria-sort=${sorted ? (sort.descending ? 'descending' : 'ascending') : 'none'}
          title=${column.hint ?? ''}
        >
          ${
            column.sortable
              ? html`<button class=${sorted ? 'sorted' : ''} tabindex="-1" @click=${() => this.sortBy(column)}>
                ${column.label}${sorted ? icon(sort.descending ? 'down' : 'up') : nothing}
              </button>`
              : column.label
          }
        </div>`;
      })}
    </div>`;
  }

  private row(index: number, columns: Column<GridRow>[], selected: number | undefined) {
    const { model } = this;
    const row = this.cache.at(index);
    if (!row) {
      return html`<div class="row" role="row" aria-rowindex=${index + 2} aria-busy="true"><div class="bar" role="gridcell"></div></div>`;
    }
    const isSelected = row.id === selected;
    const expandable = this.isExpandable(row, index);
    const tree = !this.flat;
    return html`<div
      class="row ${isSelected ? 'selected' : ''} ${model.classes?.(row) ?? ''}"
      id=${`r${index}`}
      role="row"
      data-index=${index}
      aria-rowindex=${index + 2}
      aria-selected=${isSelected ? 'true' : 'false'}
      aria-level=${tree ? ((row as { depth?: number }).depth ?? 0) + 1 : nothing}
      aria-expanded=${expandable ? (this.isCollapsed(row) ? 'false' : 'true') : nothing}
      aria-label=${model.describe(row)}
    >
      ${
        this.narrow
          ? html`<div class="compact" role="gridcell">${tree ? this.lead(row, expandable) : nothing}${model.compact(row)}</div>`
          : columns.map(
              (column, i) => html`<div class="cell ${column.align ?? ''} ${i === 0 ? 'first' : ''}" role="gridcell">
                ${i === 0 && model.expandable ? html`<div class="tree">${this.lead(row, expandable)}${column.cell(row)}</div>` : column.cell(row)}
              </div>`,
            )
      }
    </div>`;
  }

  private lead(row: GridRow, expandable: boolean) {
    if (this.flat) return nothing;
    return html`<span class="indent" ${vars({ '--depth': String((row as { depth?: number }).depth ?? 0) })}></span
      ><span class="twistie ${expandable && !this.isCollapsed(row) ? 'open' : ''}" aria-hidden="true">${expandable ? icon('chevron') : nothing}</span>`;
  }
}
