import { html, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { ScopeRow } from '../../src/shared/rows';
import { formatCount, formatMs, formatShort, NONE, plural } from '../data/format';
import { store } from '../instance';
import { property } from '../ui/details';
import type { GridModel } from '../ui/grid';
import { icon } from '../ui/icons';
import { openPlace, placeLink, taskLink } from '../ui/links';
import { findingChips } from './chips';
import { ListSection } from './listSection';

const age = (row: ScopeRow) => (row.active ? store.live('scopes', row, row.ageMs) : row.ageMs);

/** ms left; runs down between two messages while the scope is active. */
function left(row: ScopeRow): number | undefined {
  if (row.deadlineInMs === undefined) return undefined;
  return row.active ? row.deadlineInMs - store.lists.scopes.since(row, store.overview.nowMs) : row.deadlineInMs;
}

function deadline(row: ScopeRow): TemplateResult | string {
  const ms = left(row);
  if (ms === undefined) return html`<span class="muted">${NONE}</span>`;
  if (ms < 0) return html`<span class=${row.active ? 'error' : 'muted'} title="The deadline has passed">${formatMs(-ms)} over</span>`;
  return html`<span class=${row.active && ms < 1000 ? 'warning' : ''} title="Until the deadline">${formatMs(ms)}</span>`;
}

const title = (row: ScopeRow) => row.name ?? row.type;

function mark(row: ScopeRow): TemplateResult {
  const kind = row.cancelled ? 's-cancelled' : row.active ? 's-ready' : 's-done';
  const label = row.cancelled ? 'Cancelled' : row.active ? 'Active' : 'Left';
  return html`<span class=${kind} title=${label}>${icon(row.cancelled ? 'cancelled' : row.active ? 'scope' : 'done')}</span>`;
}

/** The tree of cancel scopes, timeouts, task groups and nurseries. */
@customElement('ah-scopes')
export class AhScopes extends ListSection<'scopes'> {
  readonly list = 'scopes';
  readonly plural = 'scopes';
  readonly icon = 'scope';
  readonly purpose =
    'Cancel scopes, timeouts, task groups and nurseries appear here as they nest: whose they are, how long until the deadline, whether they are shielded, and who cancelled them and why.';
  override readonly endedLabel = 'Left';

  protected readonly grid: GridModel<ScopeRow> = {
    list: 'scopes',
    label: 'Cancel scope tree',
    expandable: (row, next) => next !== undefined && next.depth > row.depth,
    empty: () => this.emptyList(),
    open: (row) => row.enteredAt && openPlace(row.enteredAt),
    menu: (row) => [
      {
        label: 'Open Where Entered',
        icon: 'open',
        hint: 'Enter',
        disabled: !row.enteredAt,
        run: () => row.enteredAt && openPlace(row.enteredAt),
      },
      { label: 'Show Host Task', icon: 'task', disabled: !row.host, run: () => row.host && store.reveal('tasks', row.host.id) },
      {
        label: 'Show Finding',
        icon: 'finding',
        disabled: row.findings.length === 0,
        run: () => store.reveal('findings', row.findings[0] ?? 0),
      },
    ],
    classes: (row) => (row.active ? '' : 'dim'),
    describe: (row) =>
      `${row.type} ${row.name ?? ''}${row.host ? ` of ${row.host.name}` : ''}, ${row.active ? 'active' : 'left'}${row.cancelled ? `, cancelled: ${row.cancelled}` : ''}${row.shield ? ', shielded' : ''}`,
    compact: (row) =>
      html`${mark(row)}
        <div class="two">
          <div>
            <span class="ellipsis grow">${title(row)} ${row.name ? html`<span class="muted">${row.type}</span>` : nothing}</span>
            ${row.shield ? icon('shield', 'Shielded') : nothing}${findingChips(row.findings, true)}<span class="num">${deadline(row)}</span>
          </div>
          <div class="second">
            <span class="ellipsis">${row.host ? html`${taskLink(row.host, true)} ` : nothing}${row.cancelled ? `cancelled: ${row.cancelled}` : placeLink(row.enteredAt, { inRow: true })}</span>
          </div>
        </div>`,
    columns: [
      {
        key: 'type',
        label: 'Scope',
        width: 'minmax(160px, 2fr)',
        sortable: true,
        cell: (row) =>
          html`${mark(row)}<span class="ellipsis name">${title(row)}</span>${row.name ? html`<span class="muted ellipsis also">${row.type}</span>` : nothing}${row.shield ? html`<span title="Shielded from outer cancellation">${icon('shield', 'Shielded')}</span>` : nothing}${findingChips(row.findings, true)}`,
      },
      {
        key: 'host',
        label: 'Host task',
        width: 'minmax(90px, 1fr)',
        sortable: true,
        cell: (row) => (row.host ? (taskLink(row.host, true) as TemplateResult) : NONE),
      },
      {
        key: 'deadlineInMs',
        label: 'Deadline',
        width: '84px',
        align: 'end',
        sortable: true,
        hint: 'Time left until it cancels',
        cell: deadline,
      },
      {
        key: 'cancelled',
        label: 'Cancelled',
        width: 'minmax(90px, 1.4fr)',
        sortable: true,
        hint: 'By whom and why',
        cell: (row) =>
          row.cancelled ? html`<span title=${row.cancelled}>${row.cancelled}</span>` : html`<span class="muted">${NONE}</span>`,
      },
      {
        key: 'tasks',
        label: 'Tasks',
        width: '46px',
        align: 'end',
        from: 640,
        sortable: true,
        hint: 'Tasks inside it',
        cell: (row) => formatShort(row.tasks),
      },
      {
        key: 'deliveries',
        label: 'Deliveries',
        width: '66px',
        align: 'end',
        from: 760,
        sortable: true,
        hint: 'How often its cancellation was delivered into tasks',
        cell: (row) => formatShort(row.deliveries),
      },
      { key: 'ageMs', label: 'Age', width: '66px', align: 'end', from: 700, sortable: true, cell: (row) => formatMs(age(row)) },
      {
        key: 'enteredAt',
        label: 'Entered',
        width: 'minmax(90px, 0.9fr)',
        from: 620,
        sortable: true,
        cell: (row) => placeLink(row.enteredAt, { inRow: true }) as TemplateResult,
      },
    ],
  };

  protected details(row: ScopeRow): TemplateResult {
    const ms = left(row);
    return html`<h2>${mark(row)}<span>${title(row)}</span></h2>
      <div class="muted">${row.type}${row.active ? '' : ', left'}</div>
      ${row.cancelled ? html`<div class="callout s-cancelled"><span>Cancelled: ${row.cancelled}</span></div>` : nothing}
      ${row.findings.length > 0 ? html`<div class="actions">${findingChips(row.findings, false)}</div>` : nothing}
      <dl>
        ${property('Host task', row.host && taskLink(row.host))} ${property('Entered', row.enteredAt && placeLink(row.enteredAt, { withFunction: true }))}
        ${property('Deadline', ms === undefined ? 'none' : ms < 0 ? `passed ${formatMs(-ms)} ago` : `in ${formatMs(ms)}`)}
        ${property('Shield', row.shield ? 'yes: outer cancellation does not reach in' : 'no')} ${property('Tasks inside', formatCount(row.tasks))}
        ${property('Deliveries', `${plural(row.deliveries, 'cancellation')} delivered`)} ${property('Age', formatMs(age(row)))}
      </dl>
      <div class="actions">
        ${row.enteredAt ? html`<vscode-button @click=${() => row.enteredAt && openPlace(row.enteredAt)}>Open Where Entered</vscode-button>` : nothing}
      </div>`;
  }
}
