/** What the panel says before there is anything to show. */
import { css, html, type TemplateResult } from 'lit';
import { store } from '../instance';
import { type IconName, icon } from '../ui/icons';

export const welcomeStyles = css`
  .welcome {
    height: 100%;
    overflow: auto;
    padding: 24px 20px;
  }
  .welcome > div {
    max-width: 620px;
    margin: 0 auto;
  }
  .welcome h1 {
    margin: 0 0 6px;
    font-size: 20px;
    font-weight: 600;
  }
  .welcome p {
    margin: 0 0 16px;
    color: var(--ah-muted);
  }
  .welcome ul {
    display: grid;
    grid-template-columns: repeat(auto-fit, minmax(220px, 1fr));
    gap: 14px 22px;
    margin: 26px 0 0;
    padding: 0;
    list-style: none;
  }
  .welcome li {
    display: grid;
    grid-template-columns: auto 1fr;
    gap: 1px 10px;
    align-content: start;
  }
  .welcome li .icon {
    grid-row: 1 / 3;
    width: 20px;
    height: 20px;
    margin-top: 1px;
    color: var(--vscode-textLink-foreground);
  }
  .welcome li span {
    color: var(--ah-muted);
  }
`;

const SECTIONS: [IconName, string, string][] = [
  ['finding', 'Findings', 'What went wrong and why: both places, both tasks, the fix.'],
  ['task', 'Tasks', 'The live tree: who started whom, where each waits and how long.'],
  ['scope', 'Cancel scopes', 'Deadlines, shields, who cancelled what and why.'],
  ['lock', 'Locks', 'Holders, waiters and circles of waiting.'],
  ['session', 'Sessions', 'Clients and pools: open, closed, leaked.'],
  ['loop', 'Loop', 'Lag, what blocks it, CPU, memory, threads.'],
];

export function welcome(): TemplateResult {
  return html`<div class="welcome"><div>
    <h1>Async Health</h1>
    <p>Debug a program that uses asyncio, anyio or trio, and see here, live and at every stop, what its tasks do and what goes wrong.</p>
    <vscode-button @click=${() => void store.act({ do: 'startDebugging' })}>Start Debugging</vscode-button>
    <ul>
      ${SECTIONS.map(([name, title, text]) => html`<li>${icon(name)}<strong>${title}</strong><span>${text}</span></li>`)}
    </ul>
  </div></div>`;
}
