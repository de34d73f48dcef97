/** Places in the source and tasks, as things to click. */
import { html, nothing, type TemplateResult } from 'lit';
import type { SourceLocation, TaskRef } from '../../src/shared/findings';
import { placeText, placeTitle } from '../data/format';
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

/** Opens the source. In rows the row itself is the tab stop (`inRow`), so the link is left out of the tab order. */
export function placeLink(
  place: SourceLocation | undefined,
  options: { inRow?: boolean; withFunction?: boolean } = {},
): TemplateResult | typeof nothing {
  if (!place) return nothing;
  return html`<button
    class="link mono"
    tabindex=${options.inRow ? -1 : 0}
    title=${`${placeTitle(place)} (open)`}
    .place=${place}
    @click=${onPlace}
  >${placeText(place)}</button>${options.withFunction && place.function ? html` <span class="muted mono">${place.function}</span>` : nothing}`;
}

/** Goes to the task's row. */
export function taskLink(task: TaskRef | undefined, inRow = false): TemplateResult | typeof nothing {
  if (!task) return nothing;
  return html`<button
    class="link quiet"
    tabindex=${inRow ? -1 : 0}
    title=${`Show task ${task.name}`}
    .task=${task}
    @click=${onTask}
  >${task.name}</button>`;
}
