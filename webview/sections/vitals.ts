import { css, html, LitElement, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import { formatBytes, formatCount, formatMs, formatPercent, NONE } from '../data/format';
import { store } from '../instance';
import { base } from '../ui/styles';
import { Watch } from '../ui/watch';
import '../ui/sparkline';

/** The four numbers that are always in view, each with its last samples. A click leads to where it is explained. */
@customElement('ah-vitals')
export class AhVitals extends LitElement {
  private watch = new Watch(this, store, ['overview']);

  static override styles = [
    base,
    css`
      :host {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(128px, 1fr));
        gap: 1px;
        border-block: 1px solid var(--ah-border);
        background: var(--ah-border);
      }
      button {
        display: grid;
        grid-template-columns: max-content minmax(0, 1fr);
        grid-template-rows: auto auto;
        column-gap: 12px;
        align-items: end;
        min-width: 0;
        padding: 5px 12px 5px;
        border: 0;
        background: var(--ah-bg);
        color: inherit;
        font: inherit;
        text-align: start;
        cursor: pointer;
      }
      button:hover {
        background: linear-gradient(var(--ah-hover), var(--ah-hover)), var(--ah-bg);
        outline: 1px dashed var(--ah-outline);
        outline-offset: -2px;
      }
      button:focus-visible {
        outline: 1px solid var(--vscode-focusBorder);
        outline-offset: -1px;
      }
      .name {
        grid-column: 1;
        color: var(--ah-muted);
        font-size: 11px;
        line-height: 1.3;
        white-space: nowrap;
        overflow: hidden;
        text-overflow: ellipsis;
      }
      .value {
        grid-column: 1;
        min-width: 62px;
        font-size: 15px;
        font-variant-numeric: tabular-nums;
        line-height: 1.3;
        white-space: nowrap;
      }
      .extra {
        color: var(--ah-muted);
        font-size: 11px;
      }
      ah-sparkline {
        grid-row: 1 / 3;
        grid-column: 2;
        align-self: center;
        height: 28px;
      }
      .lag {
        --ah-chart: var(--vscode-charts-yellow);
      }
      .cpu {
        --ah-chart: var(--vscode-charts-blue);
      }
      .memory {
        --ah-chart: var(--vscode-charts-purple);
      }
      .tasks {
        --ah-chart: var(--vscode-charts-green);
      }
      @media (max-width: 560px) {
        :host {
          grid-template-columns: repeat(4, minmax(0, 1fr));
        }
        button {
          grid-template-columns: minmax(0, 1fr);
          padding: 4px 8px;
        }
        .value {
          min-width: 0;
          font-size: 13px;
        }
        ah-sparkline,
        .extra {
          display: none;
        }
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.watch;
  }

  override render() {
    const { loops, system, history, counts } = store.overview;
    const blocked = loops.find((loop) => loop.blocked)?.blocked;
    const lag = loops.length > 0 ? Math.max(...loops.map((loop) => loop.lagMs)) : undefined;
    const worst = loops.length > 0 ? Math.max(...loops.map((loop) => loop.worstLagMs)) : undefined;
    return [
      this.tile(
        'lag',
        blocked ? 'Blocked' : 'Loop lag',
        html`<span class=${blocked ? 'error' : ''}>${formatMs(blocked?.forMs ?? lag)}</span>`,
        worst === undefined ? '' : `worst ${formatMs(worst)}`,
        history.lagMs,
        10,
        () => store.selectTab('loop'),
      ),
      this.tile('cpu', 'CPU', formatPercent(system?.cpu), '', history.cpu, 1, () => store.selectTab('loop')),
      this.tile('memory', 'Memory', formatBytes(system?.rssBytes), '', history.rssMb, 10, () => store.selectTab('loop')),
      this.tile('tasks', 'Tasks', store.connected && store.process ? formatCount(counts.tasks) : NONE, '', history.tasks, 10, () =>
        store.selectTab('tasks'),
      ),
    ];
  }

  private tile(
    kind: string,
    name: string,
    value: TemplateResult | string,
    extra: string,
    values: readonly number[],
    floor: number,
    go: () => void,
  ): TemplateResult {
    return html`<button class=${kind} title=${extra ? `${name}, ${extra}` : name} @click=${go}>
      <span class="name">${name}</span><span class="value">${value}</span>
      <ah-sparkline .values=${values} .capacity=${Math.max(40, values.length)} .floor=${floor} .label=${`${name}, last ${values.length} samples`}></ah-sparkline>
    </button>`;
  }
}
