/** What stands above everything: why the probe is not live and what to do, what was lost, how actions ended. */
import { css, html, nothing, type TemplateResult } from 'lit';
import type { ProcessInfo } from '../../src/shared/panel';
import { formatMs, plural } from '../data/format';
import { store } from '../instance';
import { type IconName, icon } from '../ui/icons';

export const bannerStyles = css`
  .banner {
    display: grid;
    grid-template-columns: auto minmax(0, 1fr) auto;
    gap: 4px 9px;
    align-items: start;
    padding: 6px 8px 6px 12px;
    border-top: 1px solid var(--ah-border);
    background: var(--ah-raised);
    overflow-wrap: anywhere;
  }
  .banner.error {
    color: inherit;
    border-block: 1px solid var(--vscode-inputValidation-errorBorder, var(--ah-error));
    background: var(--vscode-inputValidation-errorBackground);
  }
  .banner.warning {
    color: inherit;
    border-block: 1px solid var(--vscode-inputValidation-warningBorder, var(--ah-warning));
    background: var(--vscode-inputValidation-warningBackground);
  }
  .banner > .icon {
    margin-top: 1px;
  }
  .banner.error > .icon {
    color: var(--ah-error);
  }
  .banner.warning > .icon {
    color: var(--ah-warning);
  }
  .banner .links {
    display: flex;
    gap: 12px;
    white-space: nowrap;
  }
  .toast {
    position: absolute;
    z-index: 5;
    inset-inline-end: 12px;
    bottom: 34px;
    display: flex;
    gap: 8px;
    align-items: start;
    max-width: min(420px, calc(100% - 24px));
    padding: 8px 8px 8px 12px;
    border: 1px solid var(--vscode-notifications-border, var(--ah-border));
    border-radius: 4px;
    background: var(--vscode-notifications-background, var(--ah-raised));
    color: var(--vscode-notifications-foreground, inherit);
    box-shadow: 0 2px 8px var(--vscode-widget-shadow, transparent);
    overflow-wrap: anywhere;
  }
`;

function banner(tone: string, name: IconName, text: unknown, links: unknown = nothing, role = 'status'): TemplateResult {
  return html`<div class="banner ${tone}" role=${role}>${icon(name)}<span>${text}</span><span class="links">${links}</span></div>`;
}

const link = (label: string, run: () => void) => html`<button class="link" @click=${run}>${label}</button>`;
const log = () => link('Show Log', () => void store.act({ do: 'showLog' }));
const settings = () => link('Settings', () => void store.act({ do: 'openSettings' }));

/** It ended by itself, and not well. */
export function hasFailed(process: ProcessInfo | undefined): boolean {
  return process?.state === 'ended' && process.exitCode !== undefined && process.exitCode !== 0;
}

/** Why what is shown is not (or no longer) live. */
export function processBanner(process: ProcessInfo): TemplateResult | typeof nothing {
  const why = process.probeMessage;
  if (process.state === 'ended') {
    const again = link('Debug Again', () => void store.act({ do: 'startDebugging' }));
    const { exitCode } = process;
    const failed = hasFailed(process);
    const how = exitCode === undefined ? '' : ` with exit code ${exitCode}`;
    return banner(
      failed ? 'warning' : '',
      failed ? 'warning' : 'stop',
      `The program ended${how} after ${formatMs(store.overview.nowMs)}. This is its last state.${why ? ` ${why}` : ''}`,
      again,
    );
  }
  switch (process.probe) {
    case 'failed':
      return banner(
        'error',
        'error',
        html`<strong>The probe could not start.</strong> ${why ?? 'The log says why.'} Debugging goes on without it.`,
        html`${log()}${settings()}`,
        'alert',
      );
    case 'lost':
      return banner(
        'warning',
        'warning',
        html`<strong>The probe fell silent.</strong> ${why ?? 'The program may be stuck in native code, or was killed.'} This is what it said last.`,
        log(),
      );
    case 'off':
      return banner(
        '',
        'info',
        html`${why ?? 'The probe is switched off for this session (asyncHealth.probe), so there is nothing to see here.'}`,
        settings(),
      );
    case 'starting':
      return banner('', 'wait', why ?? 'Waiting for the program to start. The probe goes in before its first line runs.');
    default:
      return why ? banner('', 'info', why) : nothing;
  }
}

/** Events that never arrived: the picture may have holes, and that must be said. */
export function droppedBanner(): TemplateResult | typeof nothing {
  const { dropped } = store.overview;
  if (dropped === 0) return nothing;
  return banner(
    'warning',
    'warning',
    `${plural(dropped, 'event')} dropped because buffers were full: some rows may be missing or late. Detail “Light” records less.`,
  );
}

export function problemBanner(): TemplateResult | typeof nothing {
  if (!store.problem) return nothing;
  return banner(
    'error',
    'error',
    html`<strong>A message from the editor could not be read</strong> and was left out: ${store.problem}. Update or reload the extension if this stays.`,
    html`${log()}${link('Dismiss', () => store.dismissProblem())}`,
    'alert',
  );
}

export function toast(): TemplateResult | typeof nothing {
  const { notice } = store;
  if (!notice) return nothing;
  return html`<div class="toast" role=${notice.kind === 'error' ? 'alert' : 'status'}>
    ${icon(notice.kind, undefined, notice.kind)}<span>${notice.text}</span>
    <button class="plain" aria-label="Dismiss" @click=${() => store.dismissNotice()}>${icon('close')}</button>
  </div>`;
}
