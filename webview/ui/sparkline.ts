import { css, html, LitElement, nothing, type PropertyValues, svg } from 'lit';
import { customElement, property } from 'lit/decorators.js';
import { sparkPath } from '../data/spark';

const WIDTH = 240;
const HEIGHT = 40;

/** A small line chart of the last samples. `label` is what a screen reader says. */
@customElement('ah-sparkline')
export class AhSparkline extends LitElement {
  @property({ attribute: false }) values: readonly number[] = [];
  /** Lowest value of the top edge. */
  @property({ type: Number }) floor = 0;
  /** Slots; fewer samples fill from the right. */
  @property({ type: Number }) capacity = 120;
  @property() label = '';
  /** Draws a grid and the top edge's value. */
  @property({ type: Boolean }) scale = false;
  @property({ attribute: false }) format: (value: number) => string = String;

  static override styles = css`
    :host {
      display: block;
      position: relative;
      color: var(--ah-chart, var(--vscode-charts-blue));
      min-width: 0;
    }
    svg {
      display: block;
      width: 100%;
      height: 100%;
      overflow: visible;
    }
    .line {
      fill: none;
      stroke: currentColor;
      stroke-width: 1.25px;
      vector-effect: non-scaling-stroke;
      stroke-linejoin: round;
    }
    .area {
      fill: currentColor;
      opacity: 0.16;
    }
    .grid {
      stroke: var(--ah-border);
      stroke-width: 1px;
      vector-effect: non-scaling-stroke;
      stroke-dasharray: 2 3;
    }
    .top {
      position: absolute;
      top: -12px;
      inset-inline-end: 0;
      color: var(--ah-muted);
      font-size: 10px;
      line-height: 1;
      font-variant-numeric: tabular-nums;
    }
  `;

  protected override shouldUpdate(changed: PropertyValues<this>): boolean {
    if (!changed.has('values') || changed.size > 1) return true;
    const before = changed.get('values') as readonly number[] | undefined;
    return !before || before.length !== this.values.length || before.some((value, i) => value !== this.values[i]);
  }

  override render() {
    const { line, area, max } = sparkPath(this.values, WIDTH, HEIGHT, this.capacity, this.floor);
    return html`
      <svg viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${this.label}>
        ${this.scale ? svg`<path class="grid" d="M0 0H${WIDTH}M0 ${HEIGHT / 2}H${WIDTH}M0 ${HEIGHT}H${WIDTH}"/>` : nothing}
        ${line ? svg`<path class="area" d=${area}/><path class="line" d=${line}/>` : nothing}
      </svg>
      ${this.scale ? html`<span class="top" aria-hidden="true">${this.format(max)}</span>` : nothing}
    `;
  }
}
