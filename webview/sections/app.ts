import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import { formatMs, formatShort } from '../data/format';
import { TABS, type TabName } from '../data/pageState';
import { store } from '../instance';
import { type IconName, icon } from '../ui/icons';
import { base } from '../ui/styles';
import { Watch } from '../ui/watch';
import { bannerStyles, droppedBanner, problemBanner, processBanner, toast } from './banners';
import { welcome, welcomeStyles } from './welcome';
import './debug';
import './findings';
import './header';
import './locks';
import './loop';
import './scopes';
import './sessions';
import './tasks';
import './vitals';

const ICONS: Record<TabName, IconName> = {
  findings: 'finding',
  tasks: 'task',
  scopes: 'scope',
  locks: 'lock',
  sessions: 'session',
  loop: 'loop',
  debug: 'debug',
};

const LABELS: Record<TabName, string> = {
  findings: 'Findings',
  tasks: 'Tasks',
  scopes: 'Scopes',
  locks: 'Locks',
  sessions: 'Sessions',
  loop: 'Loop',
  debug: 'Debug',
};

/** The whole page. */
@customElement('ah-app')
export class AhApp extends LitElement {
  private watch = new Watch(this, store, ['overview', 'ui', 'notice']);

  static override styles = [
    base,
    bannerStyles,
    welcomeStyles,
    css`
      :host {
        display: flex;
        flex-direction: column;
        position: relative;
        height: 100%;
        background: var(--ah-bg);
      }
      vscode-panels {
        flex: 1;
        display: grid;
        grid-template: auto minmax(0, 1fr) / minmax(0, 1fr);
        min-height: 0;
        overflow: hidden;
      }
      vscode-panels::part(start),
      vscode-panels::part(end) {
        display: none;
      }
      vscode-panels::part(tablist) {
        grid-area: 1 / 1;
        grid-auto-flow: column;
        width: auto;
        max-width: 100%;
        column-gap: 18px;
        padding: 2px 12px 0;
        overflow: auto hidden;
        scrollbar-width: none;
        border-bottom: 1px solid var(--ah-border);
        justify-content: start;
      }
      vscode-panels::part(tabpanel) {
        grid-area: 2 / 1;
        min-height: 0;
        overflow: hidden;
      }
      vscode-panel-tab {
        padding: 6px 0;
        margin-bottom: -1px;
        border-bottom: 2px solid transparent;
      }
      vscode-panel-tab.on {
        border-bottom-color: var(--vscode-panelTitle-activeBorder, var(--vscode-focusBorder));
      }
      vscode-panel-view {
        height: 100%;
        padding: 0;
      }
      vscode-panel-view > * {
        width: 100%;
      }
      .count {
        margin-inline-start: 6px;
        padding: 0 5px;
        border: 1px solid var(--ah-contrast);
        border-radius: 8px;
        background: var(--vscode-badge-background);
        color: var(--vscode-badge-foreground);
        font-size: 10px;
        line-height: 15px;
        font-variant-numeric: tabular-nums;
      }
      vscode-panel-tab .icon {
        display: none;
      }
      @media (max-width: 600px) {
        vscode-panels::part(tablist) {
          column-gap: 4px;
          padding: 2px 6px 0;
          justify-content: space-between;
        }
        vscode-panel-tab {
          padding: 6px 2px;
        }
        vscode-panel-tab .icon {
          display: block;
        }
        vscode-panel-tab:not(.on) .label {
          display: none;
        }
        vscode-panel-tab.on .icon {
          display: none;
        }
        .count {
          margin-inline-start: 3px;
          padding: 0 3px;
        }
        .versions {
          display: none;
        }
      }
      @media (max-width: 420px) {
        vscode-panel-tab {
          position: relative;
          min-width: 27px;
          padding: 6px 4px;
        }
        vscode-panel-tab:not(.on) .count {
          position: absolute;
          inset-inline-end: -6px;
          top: 1px;
          margin: 0;
          font-size: 9px;
          line-height: 12px;
        }
      }
      footer {
        display: flex;
        gap: 4px 14px;
        align-items: center;
        min-height: 22px;
        padding: 0 12px;
        border-top: 1px solid var(--ah-border);
        color: var(--ah-muted);
        font-size: 11px;
        white-space: nowrap;
        overflow: hidden;
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.watch;
    window.addEventListener('keydown', this.onKey);
  }

  private readonly onKey = (event: KeyboardEvent): void => {
    if ((event.ctrlKey || event.metaKey) && event.key === 'f') {
      const section = this.renderRoot.querySelector<HTMLElement & { focusFilter?: () => void }>(`ah-${store.ui.tab}`);
      if (section?.focusFilter) {
        event.preventDefault();
        section.focusFilter();
      }
    }
  };

  private readonly onTab = (event: Event): void => {
    const id = (event.target as HTMLElement & { activeid?: string }).activeid?.replace(/^tab-/, '');
    if (event.target === event.currentTarget && TABS.includes(id as TabName)) store.selectTab(id as TabName);
  };

  override render() {
    const { process } = store;
    if (!store.connected) return html`<ah-header></ah-header>${problemBanner()}${toast()}`;
    if (!process) return html`<ah-header></ah-header>${problemBanner()}${welcome()}${toast()}`;
    return html`<ah-header></ah-header>
      ${problemBanner()}${processBanner(process)}${droppedBanner()}
      <ah-vitals></ah-vitals>
      <vscode-panels aria-label="Sections" .activeindicator=${false} .activeid=${`tab-${store.ui.tab}`} @change=${this.onTab}>
        ${TABS.map((tab) => html`<vscode-panel-tab id=${`tab-${tab}`} class=${tab === store.ui.tab ? 'on' : ''} title=${this.spoken(tab)} aria-label=${this.spoken(tab)}>${icon(ICONS[tab])}<span class="label">${LABELS[tab]}</span>${this.badge(tab)}</vscode-panel-tab>`)}
        ${TABS.map((tab) => html`<vscode-panel-view id=${`view-${tab}`}>${store.ui.tab === tab ? this.section(tab) : nothing}</vscode-panel-view>`)}
      </vscode-panels>
      ${this.footer()}${toast()}`;
  }

  private count(tab: TabName): number {
    const { counts, loops } = store.overview;
    if (tab === 'loop') return loops.filter((loop) => loop.blocked).length;
    return tab === 'debug' ? 0 : counts[tab];
  }

  private spoken(tab: TabName): string {
    const count = this.count(tab);
    return count > 0 ? `${LABELS[tab]}, ${count}` : LABELS[tab];
  }

  private badge(tab: TabName): TemplateResult | typeof nothing {
    const count = this.count(tab);
    if (count === 0) return nothing;
    return html`<span class="count">${formatShort(count)}</span>`;
  }

  /** A section that fails to draw must not take the others with it. */
  private section(tab: TabName): TemplateResult {
    switch (tab) {
      case 'findings':
        return html`<ah-findings></ah-findings>`;
      case 'tasks':
        return html`<ah-tasks></ah-tasks>`;
      case 'scopes':
        return html`<ah-scopes></ah-scopes>`;
      case 'locks':
        return html`<ah-locks></ah-locks>`;
      case 'sessions':
        return html`<ah-sessions></ah-sessions>`;
      case 'loop':
        return html`<ah-loop></ah-loop>`;
      case 'debug':
        return html`<ah-debug></ah-debug>`;
    }
  }

  private footer(): TemplateResult {
    const { python, libraries, nowMs, dropped, counts } = store.overview;
    const versions = Object.entries(libraries)
      .map(([name, version]) => `${name} ${version}`)
      .join(' · ');
    return html`<footer aria-label="Summary">
      <span role="status">${counts.errors > 0 ? html`<span class="error">${counts.errors} error${counts.errors === 1 ? '' : 's'}</span>` : 'no errors'}${counts.warnings > 0 ? html`, <span class="warning">${counts.warnings} warning${counts.warnings === 1 ? '' : 's'}</span>` : nothing}</span>
      <span title="Time since the probe started">up ${formatMs(nowMs)}</span>
      ${python ? html`<span>Python ${python}</span>` : nothing}
      <span class="ellipsis versions" title=${versions}>${versions}</span>
      ${dropped > 0 ? html`<span class="warning">${formatShort(dropped)} dropped</span>` : nothing}
    </footer>`;
  }
}
