import { css, html, nothing, type TemplateResult } from 'lit';
import { type IconName, icon } from './icons';

export const emptyStyles = css`
  .nothing {
    display: grid;
    justify-items: center;
    gap: 8px;
    max-width: 460px;
    margin: 0 auto;
    padding: 36px 20px;
    text-align: center;
  }
  .nothing > .icon {
    width: 32px;
    height: 32px;
    color: var(--ah-muted);
    opacity: 0.8;
  }
  .nothing > .icon.ok {
    color: var(--ah-ok);
    opacity: 1;
  }
  .nothing h3 {
    margin: 0;
    font-size: 14px;
    font-weight: 600;
  }
  .nothing p {
    margin: 0;
    color: var(--ah-muted);
  }
`;

/** What a section shows when it has nothing to show: why, and what would appear here. */
export function emptyState(
  name: IconName,
  title: string,
  text: string,
  action: TemplateResult | typeof nothing = nothing,
  tone = '',
): TemplateResult {
  return html`<div class="nothing" role="status">${icon(name, undefined, tone)}
    <h3>${title}</h3>
    <p>${text}</p>
    ${action}
  </div>`;
}
