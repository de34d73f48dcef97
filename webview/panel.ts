/** The page of the "Async Health" panel. It knows `src/shared` only; everything else comes by messages. */
import './panel.css';
import { store } from './instance';
import { registerControls } from './toolkit';
import './sections/app';

// Whatever fails here goes to the extension's log: there is no console that a user would look at.
window.addEventListener('error', (event) => {
  // Chromium reports a harmless "ResizeObserver loop" notice as an error without an error object.
  if (event.error) store.fail('page', event.error);
});
window.addEventListener('unhandledrejection', (event) => store.fail('page', event.reason));

registerControls();
store.start();
