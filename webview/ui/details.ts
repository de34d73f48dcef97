/** Building blocks of the details panes. */
import { css, html, nothing, type TemplateResult } from 'lit';

export const detailStyles = css`
  .details {
    display: block;
    padding: 10px 14px 16px;
    overflow-wrap: anywhere;
  }
  .details h2 {
    display: flex;
    align-items: center;
    gap: 7px;
    margin: 0 0 2px;
    font-size: 14px;
    font-weight: 600;
  }
  .details h3 {
    margin: 14px 0 4px;
    color: var(--vscode-foreground);
    font-size: 11px;
    font-weight: 600;
    letter-spacing: 0.03em;
    text-transform: uppercase;
    opacity: 0.85;
  }
  .details dl {
    display: grid;
    grid-template-columns: minmax(76px, max-content) minmax(0, 1fr);
    gap: 3px 14px;
    margin: 8px 0 0;
  }
  .details dt {
    color: var(--ah-muted);
  }
  .details dd {
    margin: 0;
    min-width: 0;
  }
  .details ul {
    margin: 4px 0 0;
    padding: 0;
    list-style: none;
  }
  .details li {
    display: flex;
    flex-wrap: wrap;
    gap: 2px 8px;
    padding: 2px 0;
    align-items: baseline;
  }
  .details li .end {
    margin-inline-start: auto;
    font-variant-numeric: tabular-nums;
  }
  .details .actions {
    display: flex;
    flex-wrap: wrap;
    gap: 6px;
    margin-top: 12px;
  }
  .details .callout {
    margin: 8px 0 0;
    padding: 6px 9px;
    border: 1px solid var(--ah-contrast);
    border-inline-start: 3px solid currentColor;
    border-radius: 3px;
    background: var(--ah-raised);
  }
  .details .callout > span {
    color: var(--vscode-foreground);
  }
`;

/** One line of a property list; left out when there is nothing to say. */
export function property(label: string, value: unknown): TemplateResult | typeof nothing {
  return value === undefined || value === '' || value === nothing || value === null ? nothing : html`<dt>${label}</dt><dd>${value}</dd>`;
}
