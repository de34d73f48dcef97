import { css, html, LitElement, nothing } from 'lit';
import { customElement, property, state } from 'lit/decorators.js';
import { store } from '../instance';
import { base } from './styles';
import { vars } from './vars';

/** Below this width the second pane goes under the first, px. */
const STACKED = 680;

/** Two panes with a bar between them that drags, and moves by the arrow keys. Slots: `main`, `side`. */
@customElement('ah-split')
export class AhSplit extends LitElement {
  /** Whether the second pane shows. */
  @property({ type: Boolean }) open = false;
  /** Share of the second pane. */
  @property({ type: Number }) share = 0.36;
  @state() private stacked = false;
  private readonly sized = new ResizeObserver(([entry]) => {
    this.stacked = (entry?.contentRect.width ?? STACKED) < STACKED;
  });

  static override styles = [
    base,
    css`
      :host {
        display: block;
        height: 100%;
        min-height: 0;
      }
      .panes {
        display: grid;
        height: 100%;
        grid-template-columns: minmax(0, 1fr);
        grid-template-rows: minmax(0, 1fr);
      }
      .panes.side {
        grid-template-columns: minmax(0, 1fr) auto minmax(0, var(--share));
      }
      .panes.under {
        grid-template-rows: minmax(0, 1fr) auto minmax(0, var(--share));
      }
      .pane {
        min-width: 0;
        min-height: 0;
        overflow: hidden;
      }
      .pane.second {
        overflow: auto;
      }
      .bar {
        position: relative;
        background: var(--ah-border);
        touch-action: none;
      }
      .side > .bar {
        width: 1px;
        cursor: col-resize;
      }
      .under > .bar {
        height: 1px;
        cursor: row-resize;
      }
      .bar::after {
        content: '';
        position: absolute;
        z-index: 3;
        inset: 0 -3px;
      }
      .under > .bar::after {
        inset: -3px 0;
      }
      .bar:hover::after,
      .bar:focus-visible::after {
        background: var(--vscode-sash-hoverBorder, var(--vscode-focusBorder));
      }
      .bar:focus-visible {
        outline: none;
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    this.sized.observe(this);
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    this.sized.disconnect();
  }

  private readonly onDown = (event: PointerEvent): void => {
    const bar = event.currentTarget as HTMLElement;
    bar.setPointerCapture(event.pointerId);
    const box = this.getBoundingClientRect();
    const move = (at: PointerEvent) => {
      store.setSplit(this.stacked ? (box.bottom - at.clientY) / box.height : (box.right - at.clientX) / box.width);
    };
    const up = () => {
      bar.removeEventListener('pointermove', move);
      bar.removeEventListener('pointerup', up);
      bar.removeEventListener('pointercancel', up);
    };
    bar.addEventListener('pointermove', move);
    bar.addEventListener('pointerup', up);
    bar.addEventListener('pointercancel', up);
  };

  private readonly onKey = (event: KeyboardEvent): void => {
    const grow = this.stacked ? 'ArrowUp' : 'ArrowLeft';
    const shrink = this.stacked ? 'ArrowDown' : 'ArrowRight';
    if (event.key !== grow && event.key !== shrink) return;
    event.preventDefault();
    store.setSplit(this.share + (event.key === grow ? 0.03 : -0.03));
  };

  override render() {
    return html`<div class="panes ${this.open ? (this.stacked ? 'under' : 'side') : ''}" ${vars({ '--share': `${Math.round(this.share * 1000) / 10}%` })}>
      <div class="pane"><slot name="main"></slot></div>
      ${
        this.open
          ? html`<div
                class="bar"
                role="separator"
                tabindex="0"
                aria-label="Size of the details"
                aria-orientation=${this.stacked ? 'horizontal' : 'vertical'}
                aria-valuenow=${Math.round(this.share * 100)}
                aria-valuemin="15"
                aria-valuemax="75"
                @pointerdown=${this.onDown}
                @keydown=${this.onKey}
              ></div>
              <div class="pane second"><slot name="side"></slot></div>`
          : nothing
      }
    </div>`;
  }
}
