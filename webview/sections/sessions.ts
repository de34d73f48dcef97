import { html, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { SessionRow } from '../../src/shared/rows';
import { formatCount, formatMs, formatPercent, formatShort, NONE } from '../data/format';
import { store } from '../instance';
import { property } from '../ui/details';
import type { GridModel } from '../ui/grid';
import { icon } from '../ui/icons';
import { openPlace, placeLink, taskLink } from '../ui/links';
import { findingChips } from './chips';
import { ListSection } from './listSection';

const title = (row: SessionRow) => row.name ?? row.type;
const age = (row: SessionRow) => (row.open ? store.live('sessions', row, row.ageMs) : row.ageMs);
/** A finding on a session says that it was lost or left open. */
const leaked = (row: SessionRow) => row.findings.length > 0;
const state = (row: SessionRow) => (leaked(row) ? 'leaked' : row.open ? 'open' : 'closed');

function mark(row: SessionRow): TemplateResult {
  const tone = leaked(row) ? 's-dropped' : row.open ? 's-running' : 's-waiting';
  return html`<span class=${tone} title=${state(row)}>${icon('session')}</span>`;
}

function success(row: SessionRow): TemplateResult | string {
  if (row.successRate === undefined) return html`<span class="muted">${NONE}</span>`;
  const tone = row.successRate < 0.5 ? 'error' : row.successRate < 0.95 ? 'warning' : '';
  return html`<span class=${tone}>${formatPercent(row.successRate)}</span>`;
}

function pool(row: SessionRow): TemplateResult | string {
  if (!row.pool) return html`<span class="muted">${NONE}</span>`;
  const { inUse, size, waiting } = row.pool;
  return html`<span class=${waiting > 0 ? 'warning' : ''}>${formatCount(inUse)}/${formatCount(size)}${waiting > 0 ? ` +${formatCount(waiting)} waiting` : ''}</span>`;
}

/** Sessions, clients and connection pools. */
@customElement('ah-sessions')
export class AhSessions extends ListSection<'sessions'> {
  readonly list = 'sessions';
  readonly plural = 'sessions';
  readonly icon = 'session';
  readonly purpose =
    'HTTP clients, database pools, MCP and WebSocket sessions appear here: open, closed or leaked, how many of their operations succeeded, and how full their pools are.';
  override readonly endedLabel = 'Closed';

  protected readonly grid: GridModel<SessionRow> = {
    list: 'sessions',
    label: 'Sessions and pools',
    empty: () => this.emptyList(),
    open: (row) => row.openedAt && openPlace(row.openedAt),
    menu: (row) => [
      {
        label: 'Open Where Opened',
        icon: 'open',
        hint: 'Enter',
        disabled: !row.openedAt,
        run: () => row.openedAt && openPlace(row.openedAt),
      },
      { label: 'Show Opener', icon: 'task', disabled: !row.opener, run: () => row.opener && store.reveal('tasks', row.opener.id) },
      { label: 'Show Finding', icon: 'finding', disabled: !leaked(row), run: () => store.reveal('findings', row.findings[0] ?? 0) },
    ],
    classes: (row) => (row.open || leaked(row) ? '' : 'dim'),
    describe: (row) =>
      `${row.type} ${row.name ?? ''}, ${state(row)}, ${formatCount(row.operations)} operations, ${formatCount(row.failures)} failed`,
    compact: (row) =>
      html`${mark(row)}
        <div class="two">
          <div>
            <span class="ellipsis grow">${title(row)} ${row.name ? html`<span class="muted">${row.type}</span>` : nothing}</span>
            ${findingChips(row.findings, true)}<span class="num muted">${formatMs(age(row))}</span>
          </div>
          <div class="second">
            <span class="ellipsis">${state(row)}, ${formatShort(row.operations)} operations, ${success(row)}${row.pool ? html`, pool ${pool(row)}` : nothing}</span>
          </div>
        </div>`,
    columns: [
      {
        key: 'name',
        label: 'Session',
        width: 'minmax(150px, 2fr)',
        sortable: true,
        cell: (row) =>
          html`<div class="tree">${mark(row)}<span class="ellipsis name">${title(row)}</span>${row.name ? html`<span class="muted ellipsis also">${row.type}</span>` : nothing}${findingChips(row.findings, true)}</div>`,
      },
      {
        key: 'open',
        label: 'State',
        width: '56px',
        sortable: true,
        cell: (row) => html`<span class=${leaked(row) ? 'warning' : ''}>${state(row)}</span>`,
      },
      { key: 'operations', label: 'Operations', width: '70px', align: 'end', sortable: true, cell: (row) => formatShort(row.operations) },
      { key: 'successRate', label: 'Success', width: '60px', align: 'end', sortable: true, hint: 'Of finished operations', cell: success },
      {
        key: 'meanMs',
        label: 'Mean',
        width: '62px',
        align: 'end',
        sortable: true,
        hint: 'Mean time of an operation',
        cell: (row) => formatMs(row.meanMs),
      },
      { key: 'pool', label: 'Pool', width: 'minmax(70px, 0.7fr)', hint: 'In use of size, and who waits for a slot', cell: pool },
      { key: 'ageMs', label: 'Age', width: '66px', align: 'end', from: 620, sortable: true, cell: (row) => formatMs(age(row)) },
      {
        key: 'opener',
        label: 'Opened by',
        width: 'minmax(90px, 1fr)',
        from: 720,
        sortable: true,
        cell: (row) => (row.opener ? (taskLink(row.opener, true) as TemplateResult) : NONE),
      },
      {
        key: 'openedAt',
        label: 'Opened',
        width: 'minmax(80px, 0.9fr)',
        from: 640,
        sortable: true,
        cell: (row) => placeLink(row.openedAt, { inRow: true }) as TemplateResult,
      },
    ],
  };

  protected details(row: SessionRow): TemplateResult {
    return html`<h2>${mark(row)}<span>${title(row)}</span></h2>
      <div class="muted">${row.type}, ${state(row)}</div>
      ${row.findings.length > 0 ? html`<div class="actions">${findingChips(row.findings, false)}</div>` : nothing}
      <dl>
        ${property('Opened by', row.opener && taskLink(row.opener))} ${property('Opened', row.openedAt && placeLink(row.openedAt, { withFunction: true }))}
        ${property('Age', formatMs(age(row)))} ${property('Operations', `${formatCount(row.operations)}, ${formatCount(row.failures)} failed`)} ${property('Success', success(row))}
        ${property('Mean time', row.meanMs === undefined ? undefined : formatMs(row.meanMs))}
        ${property('Pool', row.pool ? html`${formatCount(row.pool.inUse)} of ${formatCount(row.pool.size)} in use, ${formatCount(row.pool.waiting)} waiting` : undefined)}
      </dl>
      ${row.openedAt ? html`<div class="actions"><vscode-button @click=${() => row.openedAt && openPlace(row.openedAt)}>Open Where Opened</vscode-button></div>` : nothing}`;
  }
}
