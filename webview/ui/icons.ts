/** Our own 16 × 16 line icons, drawn in the text's colour, so that every theme fits and nothing has to be loaded. */
import { html, type SVGTemplateResult, svg, type TemplateResult } from 'lit';

const line = (d: string): SVGTemplateResult =>
  svg`<path d=${d} fill="none" stroke="currentColor" stroke-width="1.3" stroke-linecap="round" stroke-linejoin="round"/>`;
const solid = (d: string): SVGTemplateResult => svg`<path d=${d} fill="currentColor"/>`;
const ring = svg`<circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.3"/>`;

const SHAPES = {
  // severities
  error: svg`${ring}${line('M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4')}`,
  warning: svg`${line('M8 2.2 14.4 13.4H1.6Z')}${line('M8 6.2v3.4')}${solid('M7.3 11.1h1.4v1.3H7.3z')}`,
  info: svg`${ring}${line('M8 7.4v3.8')}${solid('M7.3 4.6h1.4V6H7.3z')}`,
  // task states
  running: solid('M4.5 2.8v10.4L13 8z'),
  ready: svg`${ring}${solid('M6.4 5.2v5.6L10.8 8z')}`,
  waiting: svg`${ring}${line('M8 4.4V8l2.4 1.5')}`,
  done: line('M3 8.6l3.3 3.3L13.2 4.6'),
  cancelled: svg`${ring}${line('M3.8 12.2 12.2 3.8')}`,
  failed: line('M4 4l8 8M12 4l-8 8'),
  dropped: svg`<circle cx="8" cy="8" r="6.2" fill="none" stroke="currentColor" stroke-width="1.3" stroke-dasharray="2.2 2.2"/>${solid('M7.3 10.4h1.4v1.3H7.3z')}${line('M6.3 6.2a1.8 1.8 0 1 1 2.7 1.6c-.7.4-1 .7-1 1.4')}`,
  // sections
  task: svg`${line('M2.5 3.5h5M5 3.5v8.5h3.5M5 7.7h3.5')}${line('M10.5 6.2h3v3h-3zM10.5 10.6h3v3h-3z')}`,
  scope: svg`${line('M5.5 2.5h-3v11h3M10.5 2.5h3v11h-3')}${line('M6.4 8h3.2')}`,
  lock: svg`${line('M3.5 7.2h9v6.3h-9z')}${line('M5.3 7V5.2a2.7 2.7 0 0 1 5.4 0V7')}`,
  session: svg`${line('M5.2 2.5v3.2M10.8 2.5v3.2M3.5 5.7h9v2.2a4.5 4.5 0 0 1-9 0zM8 12.4v1.9')}`,
  loop: svg`${line('M13.3 6.4A5.6 5.6 0 0 0 3 5.6M2.7 9.6A5.6 5.6 0 0 0 13 10.4')}${line('M13.6 3v3.4h-3.4M2.4 13V9.6h3.4')}`,
  debug: svg`${line('M5 6.4a3 3 0 0 1 6 0v3.8a3 3 0 0 1-6 0z')}${line('M5.6 4.6 4 3M10.4 4.6 12 3M5 8.2H2.2M11 8.2h2.8M5.2 11 3 12.8M10.8 11l2.2 1.8')}`,
  finding: svg`${line('M2.4 8h2.4l1.7-4.4 3 8.8L11.2 8h2.4')}`,
  // actions
  save: svg`${line('M8 2.4v7.4M4.9 7 8 10.1 11.1 7M2.6 11v2.4h10.8V11')}`,
  record: svg`${ring}<circle cx="8" cy="8" r="2.8" fill="currentColor"/>`,
  settings: svg`<circle cx="8" cy="8" r="2" fill="none" stroke="currentColor" stroke-width="1.3"/>${line('M8 1.9v2M8 12.1v2M1.9 8h2M12.1 8h2M3.7 3.7l1.4 1.4M10.9 10.9l1.4 1.4M12.3 3.7l-1.4 1.4M5.1 10.9l-1.4 1.4')}`,
  copy: svg`${line('M5.4 5.4h8v8h-8z')}${line('M10.6 5.2V2.6h-8v8h2.6')}`,
  search: svg`<circle cx="7" cy="7" r="4.3" fill="none" stroke="currentColor" stroke-width="1.3"/>${line('M10.3 10.3 13.6 13.6')}`,
  close: line('M4 4l8 8M12 4l-8 8'),
  more: solid('M2.6 6.9h2.2v2.2H2.6zM6.9 6.9h2.2v2.2H6.9zM11.2 6.9h2.2v2.2h-2.2z'),
  chevron: line('M6 3.8 10.2 8 6 12.2'),
  up: line('M4 9.8 8 5.8l4 4'),
  down: line('M4 6.2l4 4 4-4'),
  fix: svg`${line('M6.1 13.6h3.8M6 11.6c0-1.6-2-2.6-2-5a4 4 0 0 1 8 0c0 2.4-2 3.4-2 5z')}`,
  log: svg`${line('M3 3.4h10M3 6.5h10M3 9.5h6.5M3 12.6h4')}`,
  open: svg`${line('M9.2 2.6h4.2v4.2M13.2 2.8 7.6 8.4M11.4 9.4v4H2.6V4.6h4')}`,
  stop: svg`${ring}${solid('M5.7 5.7h4.6v4.6H5.7z')}`,
  breakpoint: svg`<circle cx="8" cy="8" r="4.2" fill="currentColor"/>`,
  until: svg`${line('M2.6 3v10M13.4 3v10')}${line('M5.2 8h5.2M8.2 5.6 10.6 8l-2.4 2.4')}`,
  details: svg`${line('M2.5 3h11v10h-11zM9.4 3v10')}`,
  pause: line('M5.6 3.4v9.2M10.4 3.4v9.2'),
  wait: svg`${line('M4 2.5h8M4 13.5h8M5 2.5c0 3 3 3.6 3 5.5 0 1.9-3 2.5-3 5.5M11 2.5c0 3-3 3.6-3 5.5 0 1.9 3 2.5 3 5.5')}`,
  shield: line('M8 2.2l5 1.7v3.7c0 3-2.1 5.1-5 6.2-2.9-1.1-5-3.2-5-6.2V3.9z'),
  check: svg`${ring}${line('M5.2 8.2l2 2 3.6-4')}`,
} as const;

export type IconName = keyof typeof SHAPES;

/** An icon; with a label it is an image for screen readers, without one it is decoration. */
export function icon(name: IconName, label?: string, extra = ''): TemplateResult {
  return label
    ? html`<svg class="icon i-${name} ${extra}" viewBox="0 0 16 16" width="16" height="16" role="img" aria-label=${label}>${SHAPES[name]}</svg>`
    : html`<svg class="icon i-${name} ${extra}" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">${SHAPES[name]}</svg>`;
}
