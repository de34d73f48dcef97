import { html, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { SourceLocation } from '../../src/shared/findings';
import type { TaskRow, TaskState } from '../../src/shared/rows';
import { formatCount, formatMs, formatShort, NONE, plural } from '../data/format';
import { store } from '../instance';
import { property } from '../ui/details';
import type { GridModel } from '../ui/grid';
import { icon } from '../ui/icons';
import { openPlace, placeLink, taskLink } from '../ui/links';
import type { MenuItem } from '../ui/menu';
import { findingChips } from './chips';
import { ListSection } from './listSection';

const STATE_LABEL: Record<TaskState, string> = {
  running: 'Running',
  ready: 'Ready, waits for its turn',
  waiting: 'Waiting',
  done: 'Done',
  cancelled: 'Cancelled',
  failed: 'Failed',
  dropped: 'Dropped while pending',
};

const ended = (row: TaskRow) => row.state === 'done' || row.state === 'cancelled' || row.state === 'failed' || row.state === 'dropped';
const age = (row: TaskRow) => (ended(row) ? row.ageMs : store.live('tasks', row, row.ageMs));
const wait = (row: TaskRow) => (row.waitMs === undefined || ended(row) ? undefined : store.live('tasks', row, row.waitMs));

function stateIcon(row: TaskRow): TemplateResult {
  return html`<span class="s-${row.state}" title=${STATE_LABEL[row.state]}>${icon(row.state)}</span>`;
}

/** What it is at, in words: awaits, failed with, cancelled by. */
function doing(row: TaskRow): TemplateResult | string {
  if (row.exception) return html`<span class="error" title=${row.exception}>${row.exception}</span>`;
  if (row.state === 'cancelled') return row.cancelledBy ? `cancelled by ${row.cancelledBy}` : 'cancelled';
  if (!ended(row) && row.waitsFor) return html`<span title=${row.waitsFor}>${row.waitsFor}</span>`;
  return html`<span class="muted">${row.state === 'waiting' ? NONE : row.state}</span>`;
}

const where = (row: TaskRow) => (ended(row) ? nothing : placeLink(row.waitsAt, { inRow: true }));

const pending = (row: TaskRow) =>
  row.cancelRequested && !ended(row)
    ? html`<span class="s-cancelled" title=${`Cancellation requested${row.cancelledBy ? ` by ${row.cancelledBy}` : ''}`}>${icon('cancelled')}</span>`
    : nothing;

/** A whole stack, innermost first. One frame says no more than the line above it. */
function stack(title: string, places: readonly SourceLocation[] | undefined): TemplateResult | typeof nothing {
  if (places === undefined || places.length < 2) return nothing;
  return html`<h3>${title}</h3>
    <ul>
      ${places.map((place) => html`<li>${placeLink(place, { withFunction: true })}</li>`)}
    </ul>`;
}

/** What can be done to a task; the same in menu and details. Before it cancels one, the editor asks. */
function actions(row: TaskRow): MenuItem[] {
  const over = ended(row) || store.process?.state === 'ended';
  return [
    { label: 'Open Where It Waits', icon: 'open', hint: 'Enter', disabled: !row.waitsAt, run: () => row.waitsAt && openPlace(row.waitsAt) },
    { label: 'Reveal Where Created', icon: 'task', disabled: !row.createdAt, run: () => row.createdAt && openPlace(row.createdAt) },
    {
      label: 'Break When It Resumes',
      icon: 'breakpoint',
      separator: true,
      disabled: over,
      run: () => void store.act({ do: 'breakOnResume', task: row.address }),
    },
    {
      label: 'Run Until It Resumes',
      icon: 'until',
      disabled: over,
      run: () => void store.act({ do: 'runUntilResume', task: row.address }),
    },
    { label: 'Cancel Task…', icon: 'stop', disabled: over, run: () => void store.act({ do: 'cancelTask', task: row.address }) },
    { label: 'Copy Name', icon: 'copy', separator: true, run: () => void store.act({ do: 'copy', text: row.name }, 'Copied.') },
  ];
}

/** The task tree. */
@customElement('ah-tasks')
export class AhTasks extends ListSection<'tasks'> {
  readonly list = 'tasks';
  readonly plural = 'tasks';
  readonly icon = 'task';
  readonly purpose =
    'Every asyncio, anyio and trio task appears here under the one that started it: what it waits for, where, how long, and who waits for it.';
  override readonly endedLabel = 'Finished';

  protected readonly grid: GridModel<TaskRow> = {
    list: 'tasks',
    label: 'Task tree',
    expandable: (row) => row.children > 0,
    empty: () => this.emptyList(),
    open: (row) => {
      const place = row.waitsAt ?? row.createdAt;
      if (place) openPlace(place);
      else store.say('info', `No source place is known for ${row.name}.`);
    },
    menu: actions,
    classes: (row) => `${ended(row) ? 'dim' : ''} ${row.state === 'running' ? 'flag' : ''}`,
    describe: (row) =>
      `${row.name}, ${STATE_LABEL[row.state]}${row.waitsFor ? `, waits for ${row.waitsFor}` : ''}${row.waitMs === undefined ? '' : `, ${formatMs(row.waitMs)}`}${row.findings.length > 0 ? `, ${plural(row.findings.length, 'finding')}` : ''}`,
    compact: (row) =>
      html`${stateIcon(row)}
        <div class="two">
          <div>
            <span class="ellipsis grow">${row.name} <span class="muted mono">${row.coroutine === row.name ? '' : row.coroutine}</span></span>
            ${pending(row)}${findingChips(row.findings, true)}<span class="num muted">${formatMs(wait(row) ?? age(row))}</span>
          </div>
          <div class="second"><span class="ellipsis">${doing(row)}</span>${where(row)}</div>
        </div>`,
    columns: [
      {
        key: 'name',
        label: 'Task',
        width: 'minmax(160px, 3fr)',
        sortable: true,
        cell: (row) =>
          html`${stateIcon(row)}<span class="ellipsis name" title=${row.coroutine}>${row.name}</span>${row.coroutine && row.coroutine !== row.name ? html`<span class="muted mono ellipsis also">${row.coroutine}</span>` : nothing}${pending(row)}${findingChips(row.findings, true)}`,
      },
      { key: 'waitsFor', label: 'Waits for', width: 'minmax(110px, 1.8fr)', sortable: true, cell: doing },
      { key: 'waitsAt', label: 'Where', width: 'minmax(84px, 1.2fr)', sortable: true, cell: where },
      {
        key: 'waitMs',
        label: 'Waits since',
        width: '74px',
        align: 'end',
        sortable: true,
        hint: 'How long it has waited at this place',
        cell: (row) => formatMs(wait(row)),
      },
      {
        key: 'awaitedBy',
        label: 'Awaited by',
        width: 'minmax(90px, 1fr)',
        from: 980,
        hint: 'Who waits for this task',
        cell: (row) =>
          row.awaitedBy.length === 0
            ? html`<span class="muted">${NONE}</span>`
            : html`${taskLink(row.awaitedBy[0], true)}${row.awaitedBy.length > 1 ? html`<span class="muted"> +${row.awaitedBy.length - 1}</span>` : nothing}`,
      },
      { key: 'ageMs', label: 'Age', width: '66px', align: 'end', from: 620, sortable: true, cell: (row) => formatMs(age(row)) },
      {
        key: 'steps',
        label: 'Steps',
        width: '52px',
        align: 'end',
        from: 900,
        sortable: true,
        hint: 'How often it ran (counted at detail full)',
        cell: (row) => (row.steps > 0 ? formatShort(row.steps) : NONE),
      },
      {
        key: 'busyMs',
        label: 'Busy',
        width: '62px',
        align: 'end',
        from: 820,
        sortable: true,
        hint: 'Time it spent running (taken at detail full)',
        cell: (row) => (row.steps > 0 ? formatMs(row.busyMs) : NONE),
      },
      {
        key: 'longestStepMs',
        label: 'Longest',
        width: '64px',
        align: 'end',
        from: 1000,
        sortable: true,
        hint: 'Its longest step: the loop stood still that long (taken at detail full)',
        cell: (row) => (row.steps > 0 ? formatMs(row.longestStepMs) : NONE),
      },
      {
        key: 'createdAt',
        label: 'Created',
        width: 'minmax(80px, 0.8fr)',
        from: 1100,
        sortable: true,
        cell: (row) => placeLink(row.createdAt, { inRow: true }) as TemplateResult,
      },
    ],
  };

  protected details(row: TaskRow): TemplateResult {
    const [open, created, breakOn, until, stop] = actions(row);
    const button = (item: MenuItem | undefined, appearance = 'secondary') =>
      item
        ? html`<vscode-button appearance=${appearance} ?disabled=${item.disabled ?? false} @click=${item.run}>${item.label}</vscode-button>`
        : nothing;
    return html`<h2>${stateIcon(row)}<span>${row.name}</span></h2>
      <div class="mono muted">${row.coroutine}</div>
      ${row.exception ? html`<div class="callout error"><span>${row.exception}</span></div>` : nothing}
      ${
        row.cancelRequested || row.state === 'cancelled'
          ? html`<div class="callout s-cancelled"><span>${row.state === 'cancelled' ? 'Cancelled' : 'Cancellation requested'}${row.cancelledBy ? ` by ${row.cancelledBy}` : ''}</span></div>`
          : nothing
      }
      ${row.findings.length > 0 ? html`<div class="actions">${findingChips(row.findings, false)}</div>` : nothing}
      <dl>
        ${property('State', STATE_LABEL[row.state])} ${property('Waits for', ended(row) ? undefined : row.waitsFor)}
        ${property('At', row.waitsAt && placeLink(row.waitsAt, { withFunction: true }))}
        ${property('Since', wait(row) === undefined ? undefined : formatMs(wait(row)))}
        ${property('Awaited by', row.awaitedBy.length > 0 ? row.awaitedBy.map((task, i) => html`${i > 0 ? ', ' : ''}${taskLink(task)}`) : undefined)}
        ${property('Started by', row.parent && taskLink(row.parent))} ${property('Created', row.createdAt && placeLink(row.createdAt, { withFunction: true }))}
        ${property('Children', row.children > 0 ? formatCount(row.children) : undefined)} ${property('Age', formatMs(age(row)))}
        ${property('Steps', row.steps > 0 ? `${formatCount(row.steps)}, busy ${formatMs(row.busyMs)}, longest ${formatMs(row.longestStepMs)}` : 'counted at detail full')}
        ${property('Ready until it ran', row.waits > 0 ? `${formatCount(row.waits)} times, ${formatMs(row.readyMs)} in all, longest ${formatMs(row.longestReadyMs)}` : undefined)}
      </dl>
      ${stack(`Awaits${row.awaitDepth === undefined ? '' : `, ${plural(row.awaitDepth, 'coroutine')} deep`}`, row.stacks?.awaits)}
      ${stack('Failed', row.stacks?.failed)} ${stack('Cancelled', row.stacks?.cancelled)} ${stack('Created', row.stacks?.created)}
      <div class="actions">${button(open, 'primary')}${button(created)}${ended(row) ? nothing : html`${button(breakOn)}${button(until)}${button(stop)}`}</div>`;
  }
}
