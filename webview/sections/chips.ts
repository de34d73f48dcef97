import { html, nothing, type TemplateResult } from 'lit';
import { plural } from '../data/format';
import { store } from '../instance';
import { icon } from '../ui/icons';

interface ChipButton extends HTMLElement {
  finding?: number;
}

function onFinding(event: Event): void {
  event.stopPropagation();
  const { finding } = event.currentTarget as ChipButton;
  if (finding !== undefined) store.reveal('findings', finding);
}

/** A mark that findings name this row; leads to the first of them. */
export function findingChips(findings: readonly number[], inRow: boolean): TemplateResult | typeof nothing {
  if (findings.length === 0) return nothing;
  const label = plural(findings.length, 'finding');
  return html`<button class="plain warning" tabindex=${inRow ? -1 : 0} title=${`${label}: show`} .finding=${findings[0]} @click=${onFinding}>
    ${icon('warning', inRow ? label : undefined)}${inRow ? nothing : html`<span>${label}</span>`}
  </button>`;
}
