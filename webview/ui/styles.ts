/** Style that several elements share; each takes what it needs. */
import { css } from 'lit';

export const base = css`
  :host {
    box-sizing: border-box;
    color: var(--vscode-foreground);
    font-family: var(--vscode-font-family);
    font-size: var(--vscode-font-size, 13px);
    line-height: 1.4;
  }
  *,
  *::before,
  *::after {
    box-sizing: border-box;
  }
  .icon {
    flex: none;
    width: 16px;
    height: 16px;
    vertical-align: -3px;
  }
  .muted {
    color: var(--ah-muted);
  }
  .mono {
    font-family: var(--ah-mono);
    font-size: 0.94em;
  }
  .num {
    font-variant-numeric: tabular-nums;
  }
  .error {
    color: var(--ah-error);
  }
  .warning {
    color: var(--ah-warning);
  }
  .info {
    color: var(--ah-info);
  }
  .ok {
    color: var(--ah-ok);
  }
  .ellipsis {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
    min-width: 0;
  }
  .sr {
    position: absolute;
    width: 1px;
    height: 1px;
    overflow: hidden;
    clip-path: inset(50%);
    white-space: nowrap;
  }
  .link {
    display: inline;
    max-width: 100%;
    padding: 0;
    border: 0;
    border-radius: 2px;
    background: none;
    color: var(--vscode-textLink-foreground);
    font: inherit;
    text-align: start;
    cursor: pointer;
  }
  .link:hover {
    color: var(--vscode-textLink-activeForeground);
    text-decoration: underline;
  }
  .link:focus-visible,
  button.plain:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
    outline-offset: 1px;
  }
  .link.quiet {
    color: inherit;
  }
  .link.quiet:hover {
    color: var(--vscode-textLink-foreground);
  }
  /* Too long, the file's name gives way, never the line. */
  .link.fit {
    display: inline-flex;
    min-width: 0;
    vertical-align: bottom;
  }
  .link.fit > span:first-child {
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  button.plain {
    display: inline-flex;
    align-items: center;
    justify-content: center;
    gap: 4px;
    padding: 2px;
    border: 0;
    border-radius: 4px;
    background: none;
    color: inherit;
    font: inherit;
    cursor: pointer;
  }
  button.plain:hover {
    background: var(--vscode-toolbar-hoverBackground);
    outline: 1px dashed var(--ah-outline);
    outline-offset: -1px;
  }
  button.plain.warning {
    color: var(--ah-warning);
  }
  .tag {
    display: inline-block;
    padding: 0 5px;
    border: 1px solid var(--ah-border);
    border-radius: 3px;
    color: var(--ah-muted);
    font-family: var(--ah-mono);
    font-size: 11px;
    line-height: 16px;
    white-space: nowrap;
  }
`;

/** Colours of states, for icons in rows and details. */
export const stateColours = css`
  .s-running {
    color: var(--vscode-charts-green, var(--ah-ok));
  }
  .s-ready {
    color: var(--vscode-charts-blue, var(--ah-info));
  }
  .s-waiting {
    color: var(--ah-muted);
  }
  .s-done {
    color: var(--ah-ok);
  }
  .s-cancelled {
    color: var(--vscode-charts-orange, var(--ah-warning));
  }
  .s-failed {
    color: var(--ah-error);
  }
  .s-dropped {
    color: var(--ah-warning);
  }
`;
