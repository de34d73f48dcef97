/**
 * Tells the probe of pauses, so that loops' time stands still meanwhile. The probe measures pauses itself where it can hook debugpy's
 * own wait (`exact`); then nothing is asked again.
 */
import type { AdapterContext } from '../context';
import type { StopState } from './StopState';

export function watchPauses(context: AdapterContext, stop: StopState): void {
  let probeMeasures = false;
  const ask = (method: 'paused' | 'resumed'): void => {
    if (probeMeasures || !context.probe.isLive || !context.options.freezeTimeWhilePaused) return;
    context.probe
      .request<{ exact?: boolean }>(method)
      .then(({ exact }) => {
        probeMeasures = exact === true;
      })
      .catch((error: Error) => context.log.warn(`time runs on while paused: ${error.message}`));
  };
  stop.onStop(() => ask('paused'));
  stop.onResume(() => ask('resumed'));
}
