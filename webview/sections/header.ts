import { css, html, LitElement, nothing, type TemplateResult } from 'lit';
import { customElement } from 'lit/decorators.js';
import type { ProbeStatus, ProcessInfo } from '../../src/shared/panel';
import type { Detail } from '../../src/shared/wire';
import { plural } from '../data/format';
import { store } from '../instance';
import { type IconName, icon } from '../ui/icons';
import { showMenu } from '../ui/menu';
import { base } from '../ui/styles';
import { Watch } from '../ui/watch';

const PROBE: Record<ProbeStatus, { label: string; tone: string; icon: IconName }> = {
  off: { label: 'Probe off', tone: 'muted', icon: 'stop' },
  starting: { label: 'Starting', tone: 'info', icon: 'wait' },
  live: { label: 'Live', tone: 'ok', icon: 'running' },
  lost: { label: 'Probe lost', tone: 'warning', icon: 'warning' },
  failed: { label: 'Probe failed', tone: 'error', icon: 'error' },
  ended: { label: 'Ended', tone: 'muted', icon: 'stop' },
};

const DETAILS: { value: Detail; label: string; hint: string }[] = [
  { value: 'light', label: 'Light', hint: 'Always affordable: no creation stacks' },
  { value: 'standard', label: 'Standard', hint: 'The default' },
  { value: 'full', label: 'Full', hint: 'Every creation stack, every step' },
];

function status(process: ProcessInfo): { label: string; tone: string; icon: IconName } {
  if (process.state === 'ended') return PROBE.ended;
  if (process.probe === 'live' && process.state === 'paused') return { label: 'Paused', tone: 'warning', icon: 'pause' };
  return PROBE[process.probe];
}

/** Which process, how it is, how much is recorded, and what can be done. */
@customElement('ah-header')
export class AhHeader extends LitElement {
  private watch = new Watch(this, store, ['overview']);

  static override styles = [
    base,
    css`
      :host {
        display: flex;
        flex-wrap: wrap;
        gap: 6px 10px;
        align-items: center;
        padding: 8px 8px 6px 12px;
      }
      vscode-dropdown {
        min-width: 84px;
      }
      .process {
        flex: 0 1 260px;
        min-width: 120px;
      }
      .one {
        font-weight: 600;
      }
      .status {
        display: inline-flex;
        gap: 5px;
        align-items: center;
        white-space: nowrap;
      }
      .status.ok > span {
        color: var(--vscode-foreground);
      }
      .status .icon {
        width: 14px;
        height: 14px;
      }
      .actions {
        display: flex;
        gap: 2px;
        align-items: center;
        margin-inline-start: auto;
      }
      label {
        display: inline-flex;
        gap: 6px;
        align-items: center;
        color: var(--ah-muted);
      }
      vscode-button::part(control) {
        padding: 3px;
      }
      @media (max-width: 520px) {
        label > span {
          display: none;
        }
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    void this.watch;
  }

  private readonly onProcess = (event: Event): void => {
    const select = event.target as HTMLSelectElement;
    if (!select.value || select.value === store.process?.id) return;
    void store.act({ do: 'selectProcess', id: select.value }).then(({ ok }) => {
      if (!ok) select.value = store.process?.id ?? '';
    });
  };

  private readonly onDetail = (event: Event): void => {
    const select = event.target as HTMLSelectElement;
    if (!select.value || select.value === store.process?.detail) return;
    void store.act({ do: 'setDetail', detail: select.value as Detail }).then(({ ok }) => {
      // The drop-down must not claim a level that was refused.
      if (!ok) select.value = store.process?.detail ?? 'standard';
    });
  };

  private readonly onSave = (event: Event): void => {
    const button = event.currentTarget as HTMLElement;
    const box = button.getBoundingClientRect();
    const report = (format: 'json' | 'markdown' | 'html') => () => void store.act({ do: 'saveReport', format });
    showMenu(
      box.left,
      box.bottom + 2,
      [
        { label: 'Save Report as Markdown…', icon: 'save', run: report('markdown') },
        { label: 'Save Report as HTML…', icon: 'save', run: report('html') },
        { label: 'Save Report as JSON…', icon: 'save', run: report('json') },
        { label: 'Save Recording…', icon: 'record', separator: true, hint: 'replays', run: () => void store.act({ do: 'saveRecording' }) },
      ],
      button,
    );
  };

  override render() {
    const { processes } = store.overview;
    const { process } = store;
    return html`${process ? this.switcher(processes, process) : html`<span class="one">Async Health</span>`} ${process ? this.status(process) : nothing}
      <div class="actions" role="toolbar" aria-label="Actions">
        ${process ? this.detail(process) : nothing}
        ${
          process
            ? html`<vscode-button appearance="icon" title="Save report or recording" aria-label="Save report or recording" aria-haspopup="menu" @click=${this.onSave}>${icon('save')}</vscode-button>`
            : nothing
        }
        <vscode-button appearance="icon" title="Show the log" aria-label="Show the log" @click=${() => void store.act({ do: 'showLog' })}>${icon('log')}</vscode-button>
        <vscode-button appearance="icon" title="Settings" aria-label="Settings" @click=${() => void store.act({ do: 'openSettings' })}>${icon('settings')}</vscode-button>
      </div>`;
  }

  private switcher(processes: ProcessInfo[], selected: ProcessInfo): TemplateResult {
    const text = (process: ProcessInfo) => `${process.label}${process.pid === undefined ? '' : ` (${process.pid})`}`;
    if (processes.length === 1) return html`<span class="one ellipsis" title=${text(selected)}>${text(selected)}</span>`;
    return html`<vscode-dropdown class="process" position="below" aria-label="Process" .value=${selected.id} @change=${this.onProcess}>
      ${processes.map(
        (process) =>
          html`<vscode-option value=${process.id} ?selected=${process.id === selected.id}>${text(process)}${process.state === 'ended' ? ', ended' : ''}${process.findings > 0 ? `, ${plural(process.findings, 'finding')}` : ''}</vscode-option>`,
      )}
    </vscode-dropdown>`;
  }

  private status(process: ProcessInfo): TemplateResult {
    const { label, tone, icon: name } = status(process);
    return html`<span class="status ${tone}" role="status" title=${process.probeMessage ?? ''}>${icon(name)}<span>${label}</span></span>`;
  }

  private detail(process: ProcessInfo): TemplateResult | typeof nothing {
    if (!process.detail || process.probe !== 'live' || process.state === 'ended') return nothing;
    return html`<label title=${DETAILS.find((one) => one.value === process.detail)?.hint ?? ''}
      ><span>Detail</span>
      <vscode-dropdown position="below" aria-label="Detail recorded by the probe" .value=${process.detail} @change=${this.onDetail}>
        ${DETAILS.map(({ value, label, hint }) => html`<vscode-option value=${value} title=${hint} ?selected=${value === process.detail}>${label}</vscode-option>`)}
      </vscode-dropdown></label
    >`;
  }
}
