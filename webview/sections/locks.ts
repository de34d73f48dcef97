import { html, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { LockRow } from '../../src/shared/rows';
import { formatCount, formatMs, formatShort, NONE, placeText, plural } from '../data/format';
import { type WaitStep, waitChain, waitCycles } from '../data/waitGraph';
import { store } from '../instance';
import { property } from '../ui/details';
import type { GridModel } from '../ui/grid';
import { icon } from '../ui/icons';
import { openPlace, placeLink, taskLink } from '../ui/links';
import { findingChips } from './chips';
import { ListSection } from './listSection';

/** A name that only repeats the type says nothing: then the place of creation tells locks apart, and a number those made at one place. */
const named = (row: LockRow): boolean => row.name !== undefined && baseType(row.name) !== baseType(row.type);
const baseType = (text: string) => text.slice(text.lastIndexOf('.') + 1).replace(/ #\d+$/, '');
const title = (row: LockRow) => (named(row) ? row.name! : `${row.name ?? row.type}${row.createdAt ? ` ${placeText(row.createdAt)}` : ''}`);
const run = (row: LockRow, ms: number) => store.live('locks', row, ms);
const heldMs = (row: LockRow) => (row.holders.length === 0 ? undefined : run(row, Math.max(...row.holders.map((holder) => holder.heldMs))));
const waitMs = (row: LockRow) => (row.waiters.length === 0 ? undefined : run(row, Math.max(...row.waiters.map((waiter) => waiter.waitMs))));

/** How full it is: permits left of a semaphore, items of a queue, an event's state. */
function fill(row: LockRow): string | undefined {
  if (row.value === undefined) return undefined;
  if (row.type.includes('Event')) return row.value > 0 ? 'set' : 'not set';
  const of = row.capacity !== undefined && row.capacity > 0 ? ` of ${formatCount(row.capacity)}` : '';
  if (/Queue|Channel|Stream/.test(row.type)) return `${formatCount(row.value)}${of} queued`;
  if (/Semaphore|Limiter/.test(row.type)) return `${formatCount(row.value)}${of} free`;
  return undefined;
}

function mark(row: LockRow): TemplateResult {
  const tone = row.waiters.length > 0 ? 's-cancelled' : row.holders.length > 0 ? 's-ready' : 's-waiting';
  return html`<span class=${tone} title=${row.waiters.length > 0 ? 'Tasks wait for it' : row.holders.length > 0 ? 'Held' : 'Free'}>${icon('lock')}</span>`;
}

function names(refs: readonly { id: number; name: string }[], inRow: boolean): TemplateResult {
  if (refs.length === 0) return html`<span class="muted">${NONE}</span>`;
  // The number comes first: the end of the list may be cut.
  const many = refs.length > 1 ? html`<span class="muted">${formatCount(refs.length)}:</span> ` : nothing;
  return html`${many}${refs.slice(0, 5).map((ref, i) => html`${i > 0 ? ', ' : ''}${taskLink(ref, inRow)}`)}`;
}

/** `A → lock 1 → B → lock 2 → A`. */
function chain(steps: readonly WaitStep[], end: { id: number; name: string } | undefined): TemplateResult {
  return html`<span class="chain"
    >${steps.map(
      ({ task, lock }) =>
        html`${taskLink(task)}<span class="muted">waits for</span
          ><button class="link" @click=${() => store.reveal('locks', lock.id)}>${title(lock)}</button><span class="muted">held by</span>`,
    )}${taskLink(end)}</span
  >`;
}

/** Locks, semaphores, conditions, events, queues: who holds them, who waits. */
@customElement('ah-locks')
export class AhLocks extends ListSection<'locks'> {
  readonly list = 'locks';
  readonly plural = 'locks';
  readonly icon = 'lock';
  readonly purpose =
    'Locks, semaphores, conditions, events and queues appear here with who holds them, who waits, and for how long. A circle of waiting tasks is shown on top.';

  protected override banner(): TemplateResult | typeof nothing {
    const cycles = waitCycles(store.lists.locks.rows);
    if (cycles.length === 0) return nothing;
    return html`<div class="cycles" role="alert">
      ${cycles
        .slice(0, 3)
        .map(
          (steps) =>
            html`<div class="callout error"><span><strong>Deadlock:</strong> ${steps.length === 1 ? 'a task waits for what it holds itself' : `${steps.length} tasks wait in a circle`}. ${chain(steps, steps[0]?.task)}</span></div>`,
        )}
      ${cycles.length > 3 ? html`<div class="muted">and ${plural(cycles.length - 3, 'more circle')}</div>` : nothing}
    </div>`;
  }

  protected readonly grid: GridModel<LockRow> = {
    list: 'locks',
    label: 'Locks, semaphores, events and queues',
    empty: () => this.emptyList(),
    open: (row) => {
      const place = row.holders[0]?.at ?? row.waiters[0]?.at ?? row.createdAt;
      if (place) openPlace(place);
    },
    menu: (row) => {
      const [holder] = row.holders;
      const [waiter] = row.waiters;
      return [
        { label: 'Open Where Held', icon: 'open', hint: 'Enter', disabled: !holder?.at, run: () => holder?.at && openPlace(holder.at) },
        { label: 'Open Where Waited', icon: 'wait', disabled: !waiter?.at, run: () => waiter?.at && openPlace(waiter.at) },
        { label: 'Open Where Created', icon: 'lock', disabled: !row.createdAt, run: () => row.createdAt && openPlace(row.createdAt) },
        { label: 'Show Holder', icon: 'task', separator: true, disabled: !holder, run: () => holder && store.reveal('tasks', holder.id) },
        { label: 'Show First Waiter', icon: 'task', disabled: !waiter, run: () => waiter && store.reveal('tasks', waiter.id) },
      ];
    },
    classes: (row) => (row.waiters.length > 0 ? 'flag' : ''),
    describe: (row) =>
      `${row.type} ${row.name ?? ''}, ${row.holders.length > 0 ? `held by ${row.holders.map((h) => h.name).join(', ')}` : 'free'}, ${plural(row.waiters.length, 'waiter')}`,
    compact: (row) =>
      html`${mark(row)}
        <div class="two">
          <div>
            <span class="ellipsis grow">${title(row)} ${named(row) ? html`<span class="muted">${row.type}</span>` : nothing}</span>
            ${findingChips(row.findings, true)}<span class="num muted">${formatMs(waitMs(row) ?? heldMs(row))}</span>
          </div>
          <div class="second">
            <span class="ellipsis"
              >${row.holders.length > 0 ? html`held by ${names(row.holders, true)}` : (fill(row) ?? 'free')}${row.waiters.length > 0 ? html`, waiting ${names(row.waiters, true)}` : nothing}</span
            >
          </div>
        </div>`,
    columns: [
      {
        key: 'name',
        label: 'Lock',
        width: 'minmax(150px, 1.9fr)',
        sortable: true,
        cell: (row) =>
          html`<div class="tree">${mark(row)}<span class="ellipsis name">${row.name ?? row.type}</span>${named(row) ? html`<span class="muted ellipsis also">${row.type}</span>` : placeLink(row.createdAt, { inRow: true })}${findingChips(row.findings, true)}</div>`,
      },
      {
        key: 'holders',
        label: 'Held by',
        width: 'minmax(100px, 1.2fr)',
        cell: (row) => (row.holders.length > 0 ? names(row.holders, true) : html`<span class="muted">${fill(row) ?? 'free'}</span>`),
      },
      {
        key: 'heldMs',
        label: 'For',
        width: '66px',
        align: 'end',
        hint: 'How long the holder has had it',
        cell: (row) => formatMs(heldMs(row)),
      },
      { key: 'waiters', label: 'Waiting', width: 'minmax(110px, 1.5fr)', sortable: true, cell: (row) => names(row.waiters, true) },
      {
        key: 'waitMs',
        label: 'For',
        width: '66px',
        align: 'end',
        hint: 'How long the first waiter has waited',
        cell: (row) => formatMs(waitMs(row)),
      },
      {
        key: 'acquisitions',
        label: 'Acquired',
        width: '62px',
        align: 'end',
        from: 820,
        sortable: true,
        cell: (row) => formatShort(row.acquisitions),
      },
      {
        key: 'contended',
        label: 'Contended',
        width: '68px',
        align: 'end',
        from: 900,
        sortable: true,
        hint: 'Acquisitions that had to wait',
        cell: (row) => formatShort(row.contended),
      },
      {
        key: 'longestWaitMs',
        label: 'Longest wait',
        width: '80px',
        align: 'end',
        from: 980,
        sortable: true,
        cell: (row) => formatMs(row.longestWaitMs),
      },
      {
        key: 'createdAt',
        label: 'Created',
        width: 'minmax(80px, 0.8fr)',
        from: 940,
        sortable: true,
        cell: (row) => placeLink(row.createdAt, { inRow: true }) as TemplateResult,
      },
    ],
  };

  protected details(row: LockRow): TemplateResult {
    const locks = store.lists.locks.rows;
    return html`<h2>${mark(row)}<span>${title(row)}</span></h2>
      <div class="muted">${row.type}${fill(row) ? `, ${fill(row)}` : ''}</div>
      ${row.findings.length > 0 ? html`<div class="actions">${findingChips(row.findings, false)}</div>` : nothing}
      <h3>Held by</h3>
      ${
        row.holders.length === 0
          ? html`<div class="muted">nobody</div>`
          : html`<ul>${row.holders.map((holder) => html`<li>${taskLink(holder)} ${placeLink(holder.at)}<span class="end">${formatMs(run(row, holder.heldMs))}</span></li>`)}</ul>`
      }
      <h3>Waiting (${formatCount(row.waiters.length)})</h3>
      ${
        row.waiters.length === 0
          ? html`<div class="muted">nobody</div>`
          : html`<ul>
              ${row.waiters
                .slice(0, 50)
                .map(
                  (waiter) =>
                    html`<li>${taskLink(waiter)}<span class="muted">${waiter.op}</span> ${placeLink(waiter.at)}<span class="end">${formatMs(run(row, waiter.waitMs))}</span></li>`,
                )}
            </ul>
            ${row.waiters.length > 50 ? html`<div class="muted">and ${formatCount(row.waiters.length - 50)} more</div>` : nothing}`
      }
      ${row.waiters[0] ? this.waitsForWhom(waitChain(locks, row.waiters[0].id)) : nothing}
      <h3>History</h3>
      <dl>
        ${property('Acquired', `${formatCount(row.acquisitions)}, ${formatCount(row.contended)} after waiting`)} ${property('Longest hold', formatMs(row.longestHoldMs))}
        ${property('Longest wait', formatMs(row.longestWaitMs))} ${property('Created', row.createdAt && placeLink(row.createdAt, { withFunction: true }))}
      </dl>`;
  }

  private waitsForWhom(found: ReturnType<typeof waitChain>): TemplateResult | typeof nothing {
    if (found.steps.length === 0) return nothing;
    return html`<h3>Who waits for whom</h3>
      ${chain(found.steps, found.end)}
      <div class=${found.cyclic ? 'error' : 'muted'}>${found.cyclic ? 'This is a circle: none of them can go on.' : 'The last one must move first.'}</div>`;
  }
}
