import { css, html, LitElement } from 'lit';
import { customElement, query, state } from 'lit/decorators.js';
import { icon } from './icons';
import { base } from './styles';

export interface Question {
  title: string;
  text: string;
  /** Label of the button that does it. */
  yes: string;
}

/** A modal question; Escape and Cancel mean no. */
@customElement('ah-confirm')
export class AhConfirm extends LitElement {
  @state() private question: Question = { title: '', text: '', yes: '' };
  @query('dialog') private dialog!: HTMLDialogElement;
  private answer: ((yes: boolean) => void) | undefined;

  static override styles = [
    base,
    css`
      dialog {
        max-width: min(420px, 90vw);
        padding: 16px;
        border: 1px solid var(--vscode-editorWidget-border, var(--ah-contrast));
        border-radius: 6px;
        background: var(--ah-raised);
        color: var(--vscode-editorWidget-foreground, inherit);
        box-shadow: 0 4px 16px var(--vscode-widget-shadow, transparent);
      }
      dialog::backdrop {
        background: var(--vscode-editor-background);
        opacity: 0.6;
      }
      h2 {
        display: flex;
        gap: 8px;
        align-items: center;
        margin: 0 0 8px;
        font-size: 14px;
      }
      p {
        margin: 0 0 16px;
        color: var(--ah-muted);
      }
      .buttons {
        display: flex;
        gap: 8px;
        justify-content: flex-end;
      }
    `,
  ];

  async ask(question: Question): Promise<boolean> {
    this.settle(false);
    this.question = question;
    await this.updateComplete;
    this.dialog.showModal();
    return new Promise((answer) => {
      this.answer = answer;
    });
  }

  private settle(yes: boolean): void {
    this.answer?.(yes);
    this.answer = undefined;
    if (this.dialog?.open) this.dialog.close();
  }

  override render() {
    const { title, text, yes } = this.question;
    return html`<dialog aria-labelledby="title" aria-describedby="text" @close=${() => this.settle(false)}>
      <h2 id="title">${icon('warning', undefined, 'warning')}${title}</h2>
      <p id="text">${text}</p>
      <div class="buttons">
        <vscode-button appearance="secondary" @click=${() => this.settle(false)}>Keep it</vscode-button>
        <vscode-button @click=${() => this.settle(true)}>${yes}</vscode-button>
      </div>
    </dialog>`;
  }
}

let dialog: AhConfirm | undefined;

/** Asks; true only when the user said yes. */
export function confirmAction(question: Question): Promise<boolean> {
  if (!dialog) {
    dialog = document.createElement('ah-confirm') as AhConfirm;
    document.body.append(dialog);
  }
  return dialog.ask(question);
}
