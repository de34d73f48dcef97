import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { repeat } from 'lit/directives/repeat.js';
import type { Finding } from '../../src/shared/findings';
import { plural } from '../data/format';
import { findingText, groupIncidents, type Incident } from '../data/incidents';
import { store } from '../instance';
import { emptyState, emptyStyles } from '../ui/empty';
import { icon } from '../ui/icons';
import { openPlace } from '../ui/links';
import { showMenu } from '../ui/menu';
import { base } from '../ui/styles';
import { Watch } from '../ui/watch';
import '../ui/filterBar';
import { hasFailed } from './banners';
import { findingStyles, fix, hasStacks, meta, places, prose } from './finding';

const PAGE = 100;

/** What went wrong, as incidents: the root with both places and the fix, under it what it led to. */
@customElement('ah-findings')
export class AhFindings extends LitElement {
  /** The card that Tab stops at. */
  @state() private current = -1;
  private watch = new Watch(this, store, ['findings', 'ui', 'overview']);

  static override styles = [
    base,
    emptyStyles,
    findingStyles,
    css`
      :host {
        display: grid;
        grid-template-rows: auto minmax(0, 1fr);
        height: 100%;
        min-height: 0;
      }
      .list {
        overflow: auto;
        padding: 2px 12px 12px;
        outline: none;
      }
      .inner {
        max-width: 1100px;
      }
    `,
  ];

  focusFilter(): void {
    this.renderRoot.querySelector<HTMLElement>('ah-filter-bar')?.focus();
  }

  override connectedCallback(): void {
    super.connectedCallback();
    void this.watch;
    void this.updateComplete.then(() => {
      const list = this.renderRoot.querySelector('.list');
      if (list) list.scrollTop = store.ui.lists.findings.scroll;
    });
  }

  protected override updated(): void {
    const { revealing } = store;
    if (revealing?.list !== 'findings') return;
    const finding = store.lists.findings.byId(revealing.id);
    if (!finding) return;
    store.revealing = undefined;
    const card = this.renderRoot.querySelector<HTMLElement>(`[data-incident="${finding.incident}"]`);
    this.current = finding.incident;
    const smooth = !matchMedia('(prefers-reduced-motion: reduce)').matches;
    card?.scrollIntoView({ block: 'nearest', behavior: smooth ? 'smooth' : 'auto' });
    card?.focus({ preventScroll: true });
  }

  private readonly onScroll = (event: Event): void => {
    store.rememberScroll('findings', (event.currentTarget as HTMLElement).scrollTop);
  };

  private readonly onKey = (event: KeyboardEvent): void => {
    const card = event.target as HTMLElement;
    if (!card.classList?.contains('card')) return;
    const cards = [...this.renderRoot.querySelectorAll<HTMLElement>('.card')];
    const at = cards.indexOf(card);
    const id = Number(card.dataset.incident);
    const incident = groupIncidents(store.lists.findings.rows).find((one) => one.id === id);
    const go = (to: HTMLElement | undefined) => {
      if (!to) return;
      this.current = Number(to.dataset.incident);
      to.focus();
    };
    switch (event.key) {
      case 'ArrowDown':
        go(cards[at + 1]);
        break;
      case 'ArrowUp':
        go(cards[at - 1]);
        break;
      case 'Home':
        go(cards[0]);
        break;
      case 'End':
        go(cards[cards.length - 1]);
        break;
      case 'ArrowRight':
      case 'ArrowLeft':
        if (store.ui.expanded.includes(id) !== (event.key === 'ArrowRight')) store.toggleExpanded(id);
        break;
      case 'Enter':
        if (incident?.root.location) openPlace(incident.root.location);
        break;
      case 'ContextMenu':
        if (incident) this.menu(incident, card.getBoundingClientRect().left + 30, card.getBoundingClientRect().top + 30, card);
        break;
      default:
        return;
    }
    event.preventDefault();
  };

  private copy(findings: Finding[]): void {
    void store.act({ do: 'copy', text: findings.map(findingText).join('\n\n') }, 'The finding was copied.');
  }

  private menu(incident: Incident, x: number, y: number, back: HTMLElement | null): void {
    const { root } = incident;
    showMenu(
      x,
      y,
      [
        {
          label: 'Open Source',
          icon: 'open',
          hint: 'Enter',
          disabled: !root.location,
          run: () => root.location && openPlace(root.location),
        },
        { label: 'Show Task', icon: 'task', disabled: !root.task, run: () => root.task && store.reveal('tasks', root.task.id) },
        { label: 'Copy', icon: 'copy', separator: true, run: () => this.copy([root, ...incident.symptoms]) },
      ],
      back,
    );
  }

  private empty(): TemplateResult {
    const { filter } = store.ui.lists.findings;
    const { all } = store.lists.findings;
    if (filter) {
      return emptyState(
        'search',
        `No match for “${filter}”`,
        `None of ${plural(all, 'finding')} matches.`,
        html`<vscode-button appearance="secondary" @click=${() => store.setListState('findings', { filter: '' })}>Clear the filter</vscode-button>`,
      );
    }
    if (all > 0) {
      return emptyState(
        'check',
        'Nothing is wrong any more',
        `${plural(all, 'finding')} resolved themselves.`,
        html`<vscode-button appearance="secondary" @click=${() => store.setListState('findings', { includeEnded: true })}>Show them</vscode-button>`,
        'ok',
      );
    }
    if (hasFailed(store.process)) {
      return emptyState(
        'finding',
        'No finding explains the failure',
        'The program failed, but none of its tasks, scopes, locks or loops did anything wrong. Its output in the terminal or the Debug Console says why.',
      );
    }
    const live = store.process?.probe === 'live' || store.process?.probe === 'ended';
    return live
      ? emptyState(
          'check',
          'Nothing found wrong',
          'Watched: scopes left by another task, leaks, deadlocks and lost wake-ups, a blocked loop, swallowed cancellations, lost tasks and exceptions. What goes wrong appears here with both places and the fix.',
          nothing,
          'ok',
        )
      : emptyState(
          'finding',
          'No findings',
          'What goes wrong appears here with both places, both tasks and the fix, once the probe is live.',
        );
  }

  override render() {
    const cache = store.lists.findings;
    const incidents = groupIncidents(cache.rows);
    const current = incidents.some((incident) => incident.id === this.current) ? this.current : incidents[0]?.id;
    return html`<ah-filter-bar list="findings" plural="findings" ended="Resolved" @go-list=${() => this.renderRoot.querySelector<HTMLElement>('.card[tabindex="0"]')?.focus()}></ah-filter-bar>
      <div class="list" @scroll=${this.onScroll} @keydown=${this.onKey}>
        <div class="inner" role="list" aria-label="Findings, worst first">
          ${repeat(
            incidents,
            (incident) => incident.id,
            (incident) => this.card(incident, incident.id === current),
          )}
        </div>
        ${cache.loaded && incidents.length === 0 ? this.empty() : nothing}
        ${
          cache.total > cache.offset + cache.rows.length
            ? html`<vscode-button appearance="secondary" @click=${() => store.setWindow('findings', { offset: 0, limit: cache.rows.length + PAGE })}>Show more</vscode-button>`
            : nothing
        }
      </div>`;
  }

  private card(incident: Incident, tabStop: boolean): TemplateResult {
    const { root, symptoms } = incident;
    const open = store.ui.expanded.includes(incident.id);
    const more = hasStacks(root) || symptoms.some(hasStacks);
    return html`<article
      class="card ${incident.severity} ${root.resolved ? 'resolved' : ''}"
      role="listitem"
      tabindex=${tabStop ? 0 : -1}
      data-incident=${incident.id}
      aria-label=${`${incident.severity}: ${root.message}`}
      @contextmenu=${(event: MouseEvent) => {
        event.preventDefault();
        this.menu(incident, event.clientX, event.clientY, event.currentTarget as HTMLElement);
      }}
    >
      <div class="top">
        ${icon(incident.severity, incident.severity)}
        <div>
          <h3 class="message">${prose(root.message)}</h3>
          ${meta(root)}
        </div>
        <div class="tools">
          <button class="plain" title="Copy the finding" aria-label="Copy the finding" @click=${() => this.copy([root, ...symptoms])}>${icon('copy')}</button>
        </div>
      </div>
      <div class="body">
        ${places(root, open)} ${fix(root)}
        ${symptoms.length > 0 ? html`<div class="led">${incident.complete ? 'This led to' : 'In the same incident'}</div>` : nothing}
        ${symptoms.length > 0 ? html`<ul class="symptoms">${(open ? symptoms : symptoms.slice(0, 3)).map((symptom) => this.symptom(symptom, open))}</ul>` : nothing}
        ${
          more || symptoms.length > 3
            ? html`<button class="plain disclose" aria-expanded=${open ? 'true' : 'false'} @click=${() => store.toggleExpanded(incident.id)}>
                ${icon('chevron')}${open ? 'Less' : symptoms.length > 3 ? `Stacks and ${symptoms.length - 3} more` : 'Stacks'}
              </button>`
            : nothing
        }
      </div>
    </article>`;
  }

  private symptom(finding: Finding, open: boolean): TemplateResult {
    return html`<li>
      ${icon(finding.severity, finding.severity, finding.severity)}
      <div>${prose(finding.message)}</div>
      ${meta(finding)}${places(finding, open)}${open ? fix(finding) : nothing}
    </li>`;
  }
}
