import { css, html, LitElement } from 'lit';
import { customElement } from 'lit/decorators.js';
import { formatCount, formatMs } from '../data/format';
import { store } from '../instance';
import { emptyState, emptyStyles } from '../ui/empty';
import { base } from '../ui/styles';
import { Watch } from '../ui/watch';

/** The debugger's own numbers: sessions opened by the program or the editor, requests, round trips. */
@customElement('ah-debug')
export class AhDebug extends LitElement {
  private watch = new Watch(this, store, ['overview']);

  static override styles = [
    base,
    emptyStyles,
    css`
      :host {
        display: block;
        height: 100%;
        overflow: auto;
        padding: 12px;
      }
      dl {
        display: flex;
        flex-wrap: wrap;
        gap: 8px 28px;
        margin: 0 0 16px;
      }
      dt {
        color: var(--ah-muted);
        font-size: 11px;
      }
      dd {
        margin: 0;
        font-size: 15px;
        font-variant-numeric: tabular-nums;
      }
      h3 {
        margin: 0 0 6px;
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
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.watch;
  }

  override render() {
    const { debug } = store.overview;
    const fact = (name: string, value: string, tone = '') => html`<div><dt>${name}</dt><dd class=${tone}>${value}</dd></div>`;
    return html`<dl>
        ${fact('Sessions', formatCount(debug.sessions.length))} ${fact('Requests', formatCount(debug.requests))} ${fact('Events', formatCount(debug.events))}
        ${fact('Errors', formatCount(debug.errors), debug.errors > 0 ? 'error' : '')} ${fact('Mean round trip', debug.requests > 0 ? formatMs(debug.meanRoundTripMs) : '–')}
      </dl>
      ${
        debug.sessions.length === 0
          ? emptyState(
              'debug',
              'No debug sessions',
              'Sessions that the editor or the program opens (debug_async_operation) appear here with their breakpoints and events.',
            )
          : html`<h3>Debug sessions</h3>
              <div class="scroll">
                <table>
                  <thead>
                    <tr>
                      <th>Name</th>
                      <th>State</th>
                      <th class="end">Breakpoints</th>
                      <th class="end">Events</th>
                      <th class="end">Age</th>
                      <th>Id</th>
                    </tr>
                  </thead>
                  <tbody>
                    ${debug.sessions.map(
                      (session) => html`<tr>
                        <td>${session.name}</td>
                        <td class=${session.active ? 'ok' : 'muted'}>${session.active ? 'active' : 'closed'}</td>
                        <td class="end">${formatCount(session.breakpoints)}</td>
                        <td class="end">${formatCount(session.events)}</td>
                        <td class="end">${formatMs(session.ageMs)}</td>
                        <td class="mono muted">${session.id}</td>
                      </tr>`,
                    )}
                  </tbody>
                </table>
              </div>`
      }`;
  }
}
