import { css } from 'lit';

/** Look of the virtual grids, after VS Code's own lists: 22 px rows, selection by background (by outline in high contrast). */
export const gridStyles = css`
  :host {
    display: block;
    position: relative;
    height: 100%;
    min-height: 0;
    min-width: 0;
  }
  .scroller {
    height: 100%;
    overflow: hidden auto;
    outline: none;
    contain: strict;
  }
  .head,
  .row {
    display: grid;
    grid-template-columns: var(--cols);
    column-gap: 12px;
    align-items: center;
    padding: 0 10px 0 8px;
  }
  .head {
    position: sticky;
    top: 0;
    z-index: 2;
    height: 26px;
    border-bottom: 1px solid var(--ah-border);
    background: var(--ah-bg);
    color: var(--ah-muted);
    font-size: 11px;
  }
  .head .cell {
    display: flex;
  }
  .head button {
    display: inline-flex;
    align-items: center;
    gap: 2px;
    max-width: 100%;
    padding: 2px 0;
    border: 0;
    background: none;
    color: inherit;
    font: inherit;
    cursor: pointer;
    overflow: hidden;
    white-space: nowrap;
  }
  .head button:hover,
  .head .sorted {
    color: var(--vscode-foreground);
  }
  .head button:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
  }
  .head .icon {
    width: 12px;
    height: 12px;
  }
  .space {
    position: relative;
    overflow: hidden;
  }
  .rows {
    position: absolute;
    inset: 0 0 auto;
    will-change: transform;
  }
  .row {
    height: var(--row);
    overflow: hidden;
    cursor: default;
    contain: strict;
  }
  .row:hover {
    background: var(--ah-hover);
    outline: 1px dashed var(--ah-outline);
    outline-offset: -1px;
  }
  .row.selected {
    background: var(--vscode-list-inactiveSelectionBackground);
    color: var(--vscode-list-inactiveSelectionForeground, inherit);
    outline: 1px dotted var(--ah-outline);
    outline-offset: -1px;
  }
  .scroller:focus .row.selected,
  .scroller:focus-within .row.selected {
    background: var(--vscode-list-activeSelectionBackground);
    color: var(--vscode-list-activeSelectionForeground);
    outline: 1px solid var(--vscode-contrastActiveBorder, var(--vscode-list-focusAndSelectionOutline, transparent));
    outline-offset: -1px;
  }
  .scroller:focus-visible .row.selected {
    outline: 1px solid var(--vscode-list-focusAndSelectionOutline, var(--vscode-focusBorder));
  }
  .scroller:focus .row.selected :is(.muted, .tag, .icon, .link, .s-waiting),
  .scroller:focus-within .row.selected :is(.muted, .tag, .icon, .link, .s-waiting) {
    color: inherit;
  }
  .scroller.unselected:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
    outline-offset: -1px;
  }
  .row.dim {
    color: var(--vscode-disabledForeground, var(--ah-muted));
  }
  .row.flag .name {
    font-weight: 600;
  }
  .cell {
    min-width: 0;
    overflow: hidden;
    text-overflow: ellipsis;
    white-space: nowrap;
  }
  .cell.end {
    justify-content: flex-end;
    text-align: end;
    font-variant-numeric: tabular-nums;
  }
  .tree {
    display: flex;
    align-items: center;
    gap: 5px;
    min-width: 0;
    height: var(--row);
  }
  .tree > .ellipsis {
    flex: 0 1 auto;
  }
  /* The name keeps its room longest; what explains it gives way first. */
  .tree > .name {
    flex-shrink: 1;
  }
  .tree > .also {
    flex-shrink: 1000;
    font-weight: 400;
  }
  .tree > .fit {
    flex: 0 1000 auto;
    min-width: 56px;
  }
  .pair {
    display: flex;
    gap: 6px;
    align-items: baseline;
    min-width: 0;
  }
  .pair > span {
    flex: 0 1 auto;
  }
  .pair > .fit {
    flex: 0 1 auto;
    min-width: 64px;
  }
  .indent {
    flex: none;
    align-self: stretch;
    width: min(calc(var(--depth, 0) * 14px), 45%);
    background: repeating-linear-gradient(
      to right,
      transparent 0 7px,
      var(--vscode-tree-inactiveIndentGuidesStroke, var(--ah-border)) 7px 8px,
      transparent 8px 14px
    );
  }
  .twistie {
    flex: none;
    width: 16px;
    height: 16px;
    margin: 0 -3px 0 -2px;
    color: inherit;
    cursor: pointer;
  }
  .twistie .icon {
    transition: transform 80ms;
  }
  .twistie.open .icon {
    transform: rotate(90deg);
  }
  @media (prefers-reduced-motion: reduce) {
    .twistie .icon {
      transition: none;
    }
  }
  .two {
    display: grid;
    grid-template-rows: auto auto;
    align-content: center;
    min-width: 0;
    line-height: 1.25;
  }
  .two > div {
    display: flex;
    gap: 8px;
    min-width: 0;
    align-items: center;
  }
  .two .grow {
    flex: 1;
    min-width: 0;
  }
  .two .second {
    color: var(--ah-muted);
    font-size: 12px;
  }
  .scroller:focus .row.selected .two .second,
  .scroller:focus-within .row.selected .two .second {
    color: inherit;
  }
  .compact {
    display: flex;
    align-items: center;
    gap: 6px;
    min-width: 0;
    height: var(--row);
  }
  .compact .two {
    flex: 1;
  }
  .row button.plain {
    flex: none;
    padding: 0;
    line-height: 0;
  }
  .bar {
    height: 8px;
    width: 60%;
    border-radius: 4px;
    background: var(--vscode-list-hoverBackground);
  }
  .empty {
    position: absolute;
    inset: 27px 0 0;
    overflow: auto;
    pointer-events: none;
  }
  .empty > * {
    pointer-events: auto;
  }
`;
