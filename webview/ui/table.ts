import { css, html, nothing, type TemplateResult } from 'lit';

/** A column of a short table: one without selection, sorting or scrolling of its own. Long lists are `ah-grid`. */
export interface TableColumn<R> {
  label: string;
  align?: 'end';
  /** Tooltip of the heading: what the number means. */
  hint?: string;
  /** Class of a cell. */
  tone?: (row: R) => string;
  cell: (row: R) => TemplateResult | string;
}

/** A number of a row of numbers. */
export interface Fact {
  name: string;
  value: string;
  hint?: string;
  tone?: string;
}

export const tableStyles = css`
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
`;

export function table<R>(title: string, columns: readonly TableColumn<R>[], rows: readonly R[]): TemplateResult {
  return html`<h3>${title}</h3>
    <div class="scroll">
      <table aria-label=${title}>
        <thead>
          <tr>
            ${columns.map(({ label, align, hint }) => html`<th class=${align ?? ''} title=${hint ?? nothing}>${label}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows.map((row) => html`<tr>${columns.map(({ align, tone, cell }) => html`<td class="${align ?? ''} ${tone?.(row) ?? ''}">${cell(row)}</td>`)}</tr>`)}
        </tbody>
      </table>
    </div>`;
}

export function facts(list: readonly Fact[]): TemplateResult {
  return html`<dl class="facts">
    ${list.map(({ name, value, hint, tone }) => html`<div title=${hint ?? nothing}><dt>${name}</dt><dd class=${tone ?? ''}>${value}</dd></div>`)}
  </dl>`;
}
