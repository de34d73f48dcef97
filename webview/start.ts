/**
 * Runs before everything else of the page: asks the host for the first snapshot, so that its answer is on the way while the
 * controls and sections are still being defined.
 */
import { store } from './instance';

// Whatever fails in the page goes to the extension's log: there is no console that a user would look at.
window.addEventListener('error', (event) => {
  // Chromium reports a harmless "ResizeObserver loop" notice as an error without an error object.
  if (event.error) store.fail('page', event.error);
});
window.addEventListener('unhandledrejection', (event) => store.fail('page', event.reason));
store.start();
