import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { LoopRow } from '../../src/shared/rows';
import { formatBytes, formatCount, formatMs, formatPercent, formatShort, NONE } from '../data/format';
import { store } from '../instance';
import { emptyState, emptyStyles } from '../ui/empty';
import { icon } from '../ui/icons';
import { placeLink, taskLink } from '../ui/links';
import { base } from '../ui/styles';
import { Watch } from '../ui/watch';
import '../ui/sparkline';

/** Event loops and the process: lag, ready queue, what blocks now, CPU, memory, threads, files, collections. */
@customElement('ah-loop')
export class AhLoop extends LitElement {
  private watch = new Watch(this, store, ['overview']);

  static override styles = [
    base,
    emptyStyles,
    css`
      :host {
        display: block;
        height: 100%;
        overflow: auto;
        padding: 10px 12px 16px;
      }
      .charts {
        display: grid;
        grid-template-columns: repeat(auto-fit, minmax(230px, 1fr));
        gap: 10px;
        max-width: 1400px;
      }
      figure {
        margin: 0;
        padding: 8px 12px 10px;
        border: 1px solid var(--ah-border);
        border-radius: 4px;
      }
      figcaption {
        display: flex;
        justify-content: space-between;
        gap: 8px;
        margin-bottom: 8px;
      }
      figcaption strong {
        font-variant-numeric: tabular-nums;
      }
      ah-sparkline {
        height: 72px;
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
      h3 {
        margin: 18px 0 6px;
        font-size: 13px;
      }
      .scroll {
        overflow-x: auto;
      }
      table {
        border-collapse: collapse;
      }
      th,
      td {
        padding: 3px 18px 3px 0;
        text-align: start;
        white-space: nowrap;
      }
      th {
        color: var(--ah-muted);
        font-size: 11px;
        font-weight: 400;
      }
      .end {
        text-align: end;
        font-variant-numeric: tabular-nums;
      }
      tbody tr {
        border-top: 1px solid var(--ah-border);
      }
      .facts {
        display: flex;
        flex-wrap: wrap;
        gap: 8px 28px;
        margin: 0;
      }
      .facts dt {
        color: var(--ah-muted);
        font-size: 11px;
      }
      .facts dd {
        margin: 0;
        font-size: 15px;
        font-variant-numeric: tabular-nums;
      }
      .blocked {
        display: flex;
        flex-wrap: wrap;
        gap: 4px 8px;
        align-items: center;
        margin: 0 0 10px;
        padding: 7px 10px;
        border: 1px solid var(--vscode-inputValidation-errorBorder, var(--ah-error));
        border-radius: 4px;
        background: var(--vscode-inputValidation-errorBackground);
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.watch;
  }

  override render() {
    const { loops, system, history, counts } = store.overview;
    if (loops.length === 0 && !system) {
      return emptyState(
        'loop',
        'No event loop yet',
        'Lag, ready queue, slow callbacks and what blocks the loop appear here, with CPU, memory, threads, open files and garbage collection.',
      );
    }
    const lag = loops.length > 0 ? Math.max(...loops.map((loop) => loop.lagMs)) : undefined;
    return html`${loops.filter((loop) => loop.blocked).map((loop) => this.blocked(loop))}
      <div class="charts">
        ${this.chart('lag', 'Loop lag', formatMs(lag), history.lagMs, 10, formatMs)} ${this.chart('cpu', 'CPU', formatPercent(system?.cpu), history.cpu, 1, formatPercent)}
        ${this.chart('memory', 'Memory', formatBytes(system?.rssBytes), history.rssMb, 10, (mb) => `${formatShort(mb)} MB`)}
        ${this.chart('tasks', 'Tasks alive', formatCount(counts.tasks), history.tasks, 10, formatShort)}
      </div>
      ${loops.length > 0 ? this.loops(loops) : nothing}
      ${
        system
          ? html`<h3>Process</h3>
              <dl class="facts">
                ${this.fact('CPU', formatPercent(system.cpu), '100 % = one core')} ${this.fact('Memory', formatBytes(system.rssBytes), 'Resident set')}
                ${this.fact('Threads', formatCount(system.threads))} ${this.fact('Open files', system.fds < 0 ? NONE : formatCount(system.fds))}
                ${this.fact('GC pauses', formatMs(system.gcPauseMs), 'Total time in garbage collections since the start')}
              </dl>`
          : nothing
      }`;
  }

  private chart(
    kind: string,
    name: string,
    value: string,
    values: readonly number[],
    floor: number,
    format: (n: number) => string,
  ): TemplateResult {
    return html`<figure class=${kind}>
      <figcaption><span class="muted">${name}</span><strong>${value}</strong></figcaption>
      <ah-sparkline scale .values=${values} .capacity=${Math.max(40, values.length)} .floor=${floor} .format=${format} .label=${`${name}: ${value}, last ${values.length} samples`}></ah-sparkline>
    </figure>`;
  }

  private fact(name: string, value: string, title = ''): TemplateResult {
    return html`<div title=${title}><dt>${name}</dt><dd>${value}</dd></div>`;
  }

  private blocked({ type, blocked }: LoopRow): TemplateResult | typeof nothing {
    if (!blocked) return nothing;
    return html`<div class="blocked" role="alert">
      ${icon('error', undefined, 'error')}<strong>The ${type} loop has been blocked for ${formatMs(blocked.forMs)}</strong>
      ${blocked.task ? html`<span>by task ${taskLink(blocked.task)}</span>` : nothing}
      ${blocked.at ? html`<span>at ${placeLink(blocked.at, { withFunction: true })}</span>` : nothing}
    </div>`;
  }

  private loops(loops: LoopRow[]): TemplateResult {
    return html`<h3>Event loops</h3>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th>Loop</th>
              <th>Thread</th>
              <th>State</th>
              <th class="end">Lag</th>
              <th class="end">Worst</th>
              <th class="end" title="Callbacks that wait for their turn">Ready</th>
              <th class="end">Turns/s</th>
              <th class="end" title="Callbacks that kept the loop longer than the threshold">Slow callbacks</th>
            </tr>
          </thead>
          <tbody>
            ${loops.map(
              (loop) => html`<tr>
                <td>${loop.type}</td>
                <td class="num">${loop.threadId || NONE}</td>
                <td class=${loop.blocked ? 'error' : loop.running ? '' : 'muted'}>${loop.blocked ? 'blocked' : loop.running ? 'running' : 'stopped'}</td>
                <td class="end">${formatMs(loop.lagMs)}</td>
                <td class="end">${formatMs(loop.worstLagMs)}</td>
                <td class="end">${loop.readyLength === undefined ? NONE : formatCount(loop.readyLength)}</td>
                <td class="end">${loop.turnsPerSecond === undefined ? NONE : formatShort(loop.turnsPerSecond)}</td>
                <td class="end ${loop.slowCallbacks > 0 ? 'warning' : ''}">${formatCount(loop.slowCallbacks)}</td>
              </tr>`,
            )}
          </tbody>
        </table>
      </div>`;
  }
}
