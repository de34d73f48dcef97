import { css, html, LitElement, nothing } from 'lit';
import { customElement, state } from 'lit/decorators.js';
import { type IconName, icon } from './icons';
import { base } from './styles';

export interface MenuItem {
  label: string;
  icon?: IconName;
  /** Shown at the right, e.g. a key. */
  hint?: string;
  disabled?: boolean;
  /** A line above. */
  separator?: boolean;
  run: () => void;
}

/** The page's one context menu: keyboard as in VS Code's, closed by Escape, a click elsewhere, scrolling or losing the window. */
@customElement('ah-menu')
export class AhMenu extends LitElement {
  @state() private items: MenuItem[] = [];
  @state() private active = -1;
  private back: HTMLElement | null = null;

  static override styles = [
    base,
    css`
      :host {
        position: fixed;
        inset: auto;
        margin: 0;
        padding: 4px 0;
        min-width: 180px;
        max-width: min(360px, 95vw);
        border: 1px solid var(--vscode-menu-border, var(--ah-border));
        border-radius: 5px;
        background: var(--vscode-menu-background);
        color: var(--vscode-menu-foreground);
        box-shadow: 0 2px 8px var(--vscode-widget-shadow, transparent);
        outline: none;
      }
      .item {
        display: flex;
        align-items: center;
        gap: 8px;
        margin: 0 4px;
        padding: 3px 8px;
        border-radius: 3px;
        cursor: pointer;
      }
      .item.active:not(.disabled) {
        background: var(--vscode-menu-selectionBackground);
        color: var(--vscode-menu-selectionForeground);
        outline: 1px solid var(--vscode-menu-selectionBorder, transparent);
        outline-offset: -1px;
      }
      .disabled {
        color: var(--vscode-disabledForeground);
        cursor: default;
      }
      .label {
        flex: 1;
      }
      .hint {
        margin-inline-start: 24px;
        opacity: 0.7;
      }
      hr {
        margin: 4px 0;
        border: 0;
        border-top: 1px solid var(--vscode-menu-separatorBackground, var(--ah-border));
      }
    `,
  ];

  override connectedCallback(): void {
    super.connectedCallback();
    this.popover = 'manual';
    this.tabIndex = -1;
    this.setAttribute('role', 'menu');
    this.addEventListener('keydown', this.onKey);
    this.addEventListener('contextmenu', (event) => event.preventDefault());
  }

  /** Opens at a point of the window, kept inside it. */
  open(x: number, y: number, items: MenuItem[], back: HTMLElement | null): void {
    if (items.length === 0) return;
    this.items = items;
    this.active = items.findIndex((item) => !item.disabled);
    this.back = back;
    if (this.matches(':popover-open')) this.hidePopover();
    this.showPopover();
    void this.updateComplete.then(() => {
      const { width, height } = this.getBoundingClientRect();
      this.style.left = `${Math.max(2, Math.min(x, window.innerWidth - width - 2))}px`;
      this.style.top = `${Math.max(2, Math.min(y, window.innerHeight - height - 2))}px`;
      this.focus();
    });
    window.addEventListener('pointerdown', this.outside, true);
    window.addEventListener('wheel', this.outside, true);
    window.addEventListener('blur', this.close);
  }

  private readonly close = (): void => {
    window.removeEventListener('pointerdown', this.outside, true);
    window.removeEventListener('wheel', this.outside, true);
    window.removeEventListener('blur', this.close);
    if (this.matches(':popover-open')) this.hidePopover();
    this.back?.focus();
    this.back = null;
  };

  private readonly outside = (event: Event): void => {
    if (!event.composedPath().includes(this)) this.close();
  };

  private readonly onKey = (event: KeyboardEvent): void => {
    const { length } = this.items;
    const step = (by: number) => {
      for (let i = 1; i <= length; i++) {
        const at = (this.active + by * i + length * length) % length;
        if (!this.items[at]?.disabled) {
          this.active = at;
          return;
        }
      }
    };
    switch (event.key) {
      case 'ArrowDown':
        step(1);
        break;
      case 'ArrowUp':
        step(-1);
        break;
      case 'Home':
        this.active = -1;
        step(1);
        break;
      case 'End':
        this.active = 0;
        step(-1);
        break;
      case 'Enter':
      case ' ':
        this.run(this.items[this.active]);
        break;
      case 'Escape':
      case 'Tab':
        this.close();
        break;
      default:
        return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  private run(item: MenuItem | undefined): void {
    if (!item || item.disabled) return;
    this.close();
    item.run();
  }

  protected override updated(): void {
    this.setAttribute('aria-activedescendant', this.active >= 0 ? `i${this.active}` : '');
  }

  override render() {
    return this.items.map(
      (item, i) => html`${item.separator ? html`<hr role="separator" />` : nothing}
        <div
          id=${`i${i}`}
          role="menuitem"
          class="item ${i === this.active ? 'active' : ''} ${item.disabled ? 'disabled' : ''}"
          aria-disabled=${item.disabled ? 'true' : 'false'}
          @pointerenter=${() => {
            this.active = i;
          }}
          @click=${() => this.run(item)}
        >
          ${item.icon ? icon(item.icon) : html`<span class="icon"></span>`}<span class="label">${item.label}</span
          >${item.hint ? html`<span class="hint">${item.hint}</span>` : nothing}
        </div>`,
    );
  }
}

let menu: AhMenu | undefined;

/** Shows the menu at a point; `back` gets the focus when it closes. */
export function showMenu(x: number, y: number, items: MenuItem[], back: HTMLElement | null = null): void {
  if (!menu) {
    menu = document.createElement('ah-menu') as AhMenu;
    document.body.append(menu);
  }
  menu.open(x, y, items, back);
}
