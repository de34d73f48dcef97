import { css, html, LitElement } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { DebugStatistics } from '../../src/shared/panel';
import { formatCount, formatMs, NONE } from '../data/format';
import { store } from '../instance';
import { emptyState, emptyStyles } from '../ui/empty';
import { base } from '../ui/styles';
import { facts, type TableColumn, table, tableStyles } from '../ui/table';
import { Watch } from '../ui/watch';

const COLUMNS: TableColumn<DebugStatistics['sessions'][number]>[] = [
  { label: 'Name', cell: (session) => session.name },
  { label: 'State', tone: (session) => (session.active ? 'ok' : 'muted'), cell: (session) => (session.active ? 'active' : 'closed') },
  { label: 'Breakpoints', align: 'end', cell: (session) => formatCount(session.breakpoints) },
  { label: 'Events', align: 'end', cell: (session) => formatCount(session.events) },
  { label: 'Age', align: 'end', cell: (session) => formatMs(session.ageMs) },
  { label: 'Id', tone: () => 'mono muted', cell: (session) => session.id },
];

/** The debugger's own numbers: sessions opened by the program or the editor, requests, round trips. */
@customElement('ah-debug')
export class AhDebug extends LitElement {
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
        padding: 12px;
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.watch;
  }

  override render() {
    const { debug } = store.overview;
    return html`${facts([
      { name: 'Sessions', value: formatCount(debug.sessions.length) },
      { name: 'Requests', value: formatCount(debug.requests), hint: 'Sent to debugpy' },
      { name: 'Events', value: formatCount(debug.events), hint: 'Received from debugpy' },
      { name: 'Errors', value: formatCount(debug.errors), hint: 'Requests that were refused', tone: debug.errors > 0 ? 'error' : '' },
      { name: 'Mean round trip', value: debug.requests > 0 ? formatMs(debug.meanRoundTripMs) : NONE, hint: 'From a request to its answer' },
    ])}
    ${
      debug.sessions.length === 0
        ? emptyState(
            'debug',
            'No debug sessions',
            'Sessions that the editor or the program opens (debug_async_operation) appear here with their breakpoints and events.',
          )
        : table('Debug sessions', COLUMNS, debug.sessions)
    }`;
  }
}
