/** One finding drawn: both places with their tasks, the fix, the stacks. */
import { css, html, nothing, type TemplateResult } from 'lit';
import type { Finding, RelatedLocation, SourceLocation, TaskRef } from '../../src/shared/findings';
import { formatCount, formatMs, placeTitle } from '../data/format';
import { icon } from '../ui/icons';
import { placeLink, taskLink } from '../ui/links';

export const findingStyles = css`
  .card {
    margin: 0 0 8px;
    border: 1px solid var(--ah-border);
    border-inline-start: 3px solid var(--tone);
    border-radius: 4px;
    background: var(--ah-raised);
    outline: none;
    content-visibility: auto;
    contain-intrinsic-size: auto 140px;
  }
  .card:focus-visible {
    outline: 1px solid var(--vscode-focusBorder);
    outline-offset: 1px;
  }
  .card.error {
    --tone: var(--ah-error);
    color: inherit;
  }
  .card.warning {
    --tone: var(--ah-warning);
    color: inherit;
  }
  .card.info {
    --tone: var(--ah-info);
    color: inherit;
  }
  .card.resolved {
    --tone: var(--ah-border);
  }
  .top {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr) auto;
    gap: 2px 9px;
    align-items: start;
    padding: 9px 8px 0 11px;
  }
  .top > .icon {
    margin-top: 1px;
    color: var(--tone);
  }
  .message {
    margin: 0;
    font-size: inherit;
    font-weight: 600;
    overflow-wrap: anywhere;
  }
  .resolved .message {
    font-weight: 400;
  }
  .meta {
    display: flex;
    flex-wrap: wrap;
    gap: 3px 9px;
    align-items: center;
    margin-top: 3px;
    color: var(--ah-muted);
    font-size: 12px;
  }
  .tools {
    display: flex;
    gap: 2px;
    align-items: center;
  }
  .body {
    padding: 6px 12px 10px 36px;
  }
  .places {
    display: grid;
    grid-template-columns: fit-content(34%) minmax(0, 1fr);
    gap: 4px 14px;
    margin: 2px 0 0;
    align-items: baseline;
  }
  .places > .label {
    color: var(--ah-muted);
    overflow-wrap: anywhere;
  }
  /* Location, function and task stand together, and wrap together where it is narrow. */
  .places > .where {
    display: flex;
    flex-wrap: wrap;
    gap: 0 10px;
    align-items: baseline;
    min-width: 0;
  }
  .where > * {
    min-width: 0;
    max-width: 100%;
    overflow-wrap: anywhere;
  }
  .where .link {
    text-align: start;
    white-space: normal;
    overflow-wrap: anywhere;
  }
  .places > .stack {
    grid-column: 1 / -1;
    margin: 0 0 6px;
    padding: 4px 8px;
    border-inline-start: 2px solid var(--ah-border);
    list-style: none;
    display: grid;
    grid-template-columns: fit-content(50%) minmax(0, 1fr);
    gap: 1px 14px;
  }
  .stack li {
    display: contents;
  }
  .stack .library .link {
    color: var(--ah-muted);
  }
  .fix {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr);
    gap: 8px;
    margin-top: 8px;
    padding: 6px 9px;
    border: 1px solid var(--ah-border);
    border-radius: 3px;
    background: var(--vscode-textBlockQuote-background, var(--vscode-textCodeBlock-background));
    overflow-wrap: anywhere;
  }
  .fix > .icon {
    margin-top: 1px;
    color: var(--vscode-editorLightBulb-foreground, var(--ah-warning));
  }
  code {
    padding: 0 3px;
    border-radius: 3px;
    background: var(--vscode-textPreformat-background, transparent);
    color: var(--vscode-textPreformat-foreground, inherit);
    font-family: var(--ah-mono);
    font-size: 0.94em;
  }
  .disclose {
    display: inline-flex;
    gap: 4px;
    align-items: center;
    margin-top: 8px;
    padding: 1px 4px 1px 0;
  }
  .disclose .icon {
    transition: transform 80ms;
  }
  .disclose[aria-expanded='true'] .icon {
    transform: rotate(90deg);
  }
  .symptoms {
    margin: 8px 0 0;
    padding: 0;
    list-style: none;
  }
  .symptoms > li {
    position: relative;
    padding: 4px 0 4px 22px;
    border-top: 1px solid var(--ah-border);
  }
  .symptoms > li > .icon {
    position: absolute;
    inset-inline-start: 0;
    top: 6px;
  }
  .symptoms .places {
    margin-top: 3px;
  }
  .led {
    margin: 10px 0 0;
    color: var(--ah-muted);
    font-size: 12px;
  }
  @media (max-width: 760px) {
    .places {
      grid-template-columns: minmax(0, 1fr);
      gap: 0;
    }
    .places > .where {
      margin-bottom: 5px;
    }
  }
  @media (max-width: 480px) {
    .body {
      padding-inline-start: 11px;
    }
    .stack {
      grid-template-columns: minmax(0, 1fr);
    }
  }
  @media (prefers-reduced-motion: reduce) {
    .disclose .icon {
      transition: none;
    }
  }
`;

/** Text with `code` in backquotes, as the model writes it. */
export function prose(text: string): (string | TemplateResult)[] {
  return text.split('`').map((part, i) => (i % 2 === 1 ? html`<code>${part}</code>` : part));
}

/** Files of the standard library and of installed packages; their frames step back. */
const LIBRARY = /[\\/](?:site-packages|dist-packages|lib[\\/]python\d|Lib[\\/])|^</;

function stackLines(stack: readonly SourceLocation[] | undefined): TemplateResult | typeof nothing {
  if (!stack || stack.length < 2) return nothing;
  return html`<ol class="stack" aria-label="Stack, innermost first">
    ${stack.map((place) => html`<li class=${LIBRARY.test(place.file) ? 'library' : ''}><span>${placeLink(place)}</span><span class="muted mono ellipsis" title=${placeTitle(place)}>${place.function}</span></li>`)}
  </ol>`;
}

function placeLine(label: string, place: SourceLocation, task: TaskRef | undefined): TemplateResult {
  return html`<span class="label">${label}</span
    ><span class="where"
      ><span>${placeLink(place)}</span>${place.function ? html`<span class="muted mono">${place.function}</span>` : nothing}${
        task ? html`<span class="task"><span class="muted">task </span>${taskLink(task, false)}</span>` : nothing
      }</span
    >`;
}

/** Its own place and the related ones, each with what happened there. */
export function places(finding: Finding, withStacks: boolean): TemplateResult | typeof nothing {
  if (!finding.location && finding.related.length === 0) return nothing;
  const related = (place: RelatedLocation) =>
    html`${placeLine(place.label, place, place.task)}${withStacks ? stackLines(place.stack) : nothing}`;
  return html`<div class="places">
    ${finding.location ? html`${placeLine(finding.here ?? 'happened here', finding.location, finding.task)}${withStacks ? stackLines(finding.stack) : nothing}` : nothing}
    ${finding.related.map(related)}
  </div>`;
}

export const hasStacks = (finding: Finding): boolean =>
  (finding.stack?.length ?? 0) > 1 || finding.related.some((place) => (place.stack?.length ?? 0) > 1);

/** Code, how often, when. */
export function meta(finding: Finding): TemplateResult {
  const { count, firstSeenMs, lastSeenMs } = finding;
  return html`<div class="meta">
    <span class="tag">${finding.code}</span>
    ${count > 1 ? html`<span class="num" title=${`Seen ${formatCount(count)} times`}>× ${formatCount(count)}</span>` : nothing}
    <span class="num" title="Time since the program started">${
      count > 1 && lastSeenMs - firstSeenMs >= 1
        ? `first at ${formatMs(firstSeenMs)}, last at ${formatMs(lastSeenMs)}`
        : `at ${formatMs(firstSeenMs)}`
    }</span>
    ${finding.task && !finding.location ? html`<span>task ${taskLink(finding.task)}</span>` : nothing}
    ${finding.resolved ? html`<span class="ok">resolved</span>` : nothing}
  </div>`;
}

export function fix(finding: Finding): TemplateResult | typeof nothing {
  return finding.advice ? html`<div class="fix">${icon('fix')}<span><strong>Fix:</strong> ${prose(finding.advice)}</span></div>` : nothing;
}
