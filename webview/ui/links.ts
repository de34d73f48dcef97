/** Places in the source and tasks, as things to click. */
import { html, nothing, type TemplateResult } from 'lit';
import type { SourceLocation, TaskRef } from '../../src/shared/findings';
import { baseName, placeText, placeTitle } from '../data/format';
import { store } from '../instance';

interface PlaceButton extends HTMLElement {
  place?: SourceLocation;
  task?: TaskRef;
}

export function openPlace(place: SourceLocation): void {
  void store.act({ do: 'open', location: place });
}

function onPlace(event: Event): void {
  const { place } = event.currentTarget as PlaceButton;
  if (place) openPlace(place);
}

function onTask(event: Event): void {
  const { task } = event.currentTarget as PlaceButton;
  if (!task) return;
  event.stopPropagation();
  store.reveal('tasks', task.id);
}

/** Opens the source. In rows (`inRow`) the row itself is the tab stop, and a long file name gives way to the line. */
export function placeLink(
  place: SourceLocation | undefined,
  options: { inRow?: boolean; withFunction?: boolean } = {},
): TemplateResult | typeof nothing {
  if (!place) return nothing;
  const title = `${placeTitle(place)} (open)`;
  if (options.inRow) {
    return html`<a class="link fit mono" role="link" tabindex="-1" title=${title} .place=${place} @click=${onPlace}
      ><span>${baseName(place.file)}</span><span>:${place.line}</span></a
    >`;
  }
  const text = options.withFunction && place.function ? html` <span class="muted mono">${place.function}</span>` : nothing;
  return html`<button class="link mono" title=${title} .place=${place} @click=${onPlace}>${placeText(place)}</button>${text}`;
}

/** Goes to the task's row. */
export function taskLink(task: TaskRef | undefined, inRow = false): TemplateResult | typeof nothing {
  if (!task) return nothing;
  const title = `Show task ${task.name}`;
  // In rows an anchor: it is cut with an ellipsis like text, where a button would vanish as a whole.
  return inRow
    ? html`<a class="link quiet" role="link" tabindex="-1" title=${title} .task=${task} @click=${onTask}>${task.name}</a>`
    : html`<button class="link quiet" title=${title} .task=${task} @click=${onTask}>${task.name}</button>`;
}
