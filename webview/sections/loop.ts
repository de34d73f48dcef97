import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { LoopRow } from '../../src/shared/rows';
import { formatBytes, formatCount, formatMs, formatPercent, formatShort, NONE } from '../data/format';
import { store } from '../instance';
import { emptyState, emptyStyles } from '../ui/empty';
import { icon } from '../ui/icons';
import { placeLink, taskLink } from '../ui/links';
import { base } from '../ui/styles';
import { facts, type TableColumn, table, tableStyles } from '../ui/table';
import { Watch } from '../ui/watch';
import '../ui/sparkline';

const THREAD: TableColumn<LoopRow> = {
  label: 'Thread',
  hint: "The thread's name; where it has none, its identifier as threading.get_ident() gives it",
  tone: (loop) => (loop.threadName ? '' : 'num'),
  cell: (loop) => loop.threadName ?? (loop.threadId ? String(loop.threadId) : NONE),
};

/** The thread tells loops apart: it says nothing when there is one. */
const columns = (loops: readonly LoopRow[]): TableColumn<LoopRow>[] => [
  { label: 'Loop', cell: (loop) => loop.type },
  ...(loops.length > 1 ? [THREAD] : []),
  {
    label: 'State',
    tone: (loop) => (loop.blocked ? 'error' : loop.running ? '' : 'muted'),
    cell: (loop) => (loop.blocked ? 'blocked' : loop.running ? 'running' : 'stopped'),
  },
  { label: 'Lag', align: 'end', hint: 'How late a callback runs', cell: (loop) => formatMs(loop.lagMs) },
  { label: 'Worst', align: 'end', hint: 'The largest lag so far', cell: (loop) => formatMs(loop.worstLagMs) },
  {
    label: 'Ready',
    align: 'end',
    hint: 'Callbacks that wait for their turn',
    cell: (loop) => (loop.readyLength === undefined ? NONE : formatCount(loop.readyLength)),
  },
  {
    label: 'Turns/s',
    align: 'end',
    hint: 'How often the loop goes round in a second',
    cell: (loop) => (loop.turnsPerSecond === undefined ? NONE : formatShort(loop.turnsPerSecond)),
  },
  {
    label: 'Slow callbacks',
    align: 'end',
    hint: 'Callbacks that kept the loop longer than the threshold',
    tone: (loop) => (loop.slowCallbacks > 0 ? 'warning' : ''),
    cell: (loop) => formatCount(loop.slowCallbacks),
  },
];

/** Event loops and the process: lag, ready queue, what blocks now, CPU, memory, threads, files, collections. */
@customElement('ah-loop')
export class AhLoop extends LitElement {
  private watch = new Watch(this, store, ['overview']);

  static override styles = [
    base,
    emptyStyles,
    tableStyles,
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
        margin-bottom: 14px;
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
    const lag = loops.length > 0 ? Math.max(...loops.map((loop) => loop.blocked?.forMs ?? loop.lagMs)) : undefined;
    return html`${loops.filter((loop) => loop.blocked).map((loop) => this.blocked(loop))}
      <div class="charts">
        ${this.chart('lag', 'Loop lag', formatMs(lag), history.lagMs, 10, formatMs)} ${this.chart('cpu', 'CPU', formatPercent(system?.cpu), history.cpu, 1, formatPercent)}
        ${this.chart('memory', 'Memory', formatBytes(system?.rssBytes), history.rssMb, 10, (mb) => `${formatShort(mb)} MB`)}
        ${this.chart('tasks', 'Tasks alive', formatCount(counts.tasks), history.tasks, 10, formatShort)}
      </div>
      ${loops.length > 0 ? table('Event loops', columns(loops), loops) : nothing}
      ${
        system
          ? html`<h3>Process</h3>
              ${facts([
                { name: 'CPU', value: formatPercent(system.cpu), hint: '100 % = one core' },
                { name: 'Memory', value: formatBytes(system.rssBytes), hint: 'Resident set' },
                { name: 'Threads', value: formatCount(system.threads) },
                { name: 'Open files', value: system.fds < 0 ? NONE : formatCount(system.fds) },
                { name: 'GC pauses', value: formatMs(system.gcPauseMs), hint: 'Total time in garbage collections since the start' },
              ])}`
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

  private blocked({ type, blocked }: LoopRow): TemplateResult | typeof nothing {
    if (!blocked) return nothing;
    return html`<div class="blocked" role="alert">
      ${icon('error', undefined, 'error')}<strong>The ${type} loop has been blocked for ${formatMs(blocked.forMs)}</strong>
      ${blocked.task ? html`<span>by task ${taskLink(blocked.task)}</span>` : nothing}
      ${blocked.at ? html`<span>at ${placeLink(blocked.at, { withFunction: true })}</span>` : nothing}
    </div>`;
  }
}
