import type { Detail } from './wire';

/** What decides when a slow or waiting thing becomes a finding. Times in ms. Settings `asyncHealth.thresholds.*`. */
export interface Thresholds {
  /** One callback that keeps the loop this long is `blocked-loop`. */
  blockedLoopMs: number;
  /** A lock waited for this long is `lock-timeout`. */
  lockWaitMs: number;
  /** A lock held this long while others wait is `lock-timeout`. */
  lockHoldMs: number;
  /** A task waiting this long where nothing can wake it is `stuck-task`. */
  stuckTaskMs: number;
  /** Re-deliveries of one scope's cancellation per second that make `cancel-spin`. */
  cancelSpinPerSecond: number;
  /** How long a task may go on after a cancellation before it is `swallowed-cancellation`. */
  swallowedGraceMs: number;
  /** A failed task that nobody has looked at for this long is `exception-never-retrieved`, though it is still referred to. */
  unseenFailureMs: number;
}

export const DEFAULT_THRESHOLDS: Thresholds = {
  blockedLoopMs: 100,
  lockWaitMs: 10_000,
  lockHoldMs: 10_000,
  stuckTaskMs: 30_000,
  cancelSpinPerSecond: 1_000,
  swallowedGraceMs: 1_000,
  unseenFailureMs: 10_000,
};

/** Part of a launch or attach configuration that is ours (`asyncHealth: {…}`), and the defaults from the editor's settings. */
export interface AsyncHealthOptions {
  /** False: plain debugpy, no probe. */
  probe: boolean;
  detail: Detail;
  /** Between two batches. */
  tickMs: number;
  /** Wait at most this long for the probe to be in before going on as plain debugpy. */
  injectTimeoutMs: number;
  thresholds: Thresholds;
  maxTasksInCallStack: number;
  /** `call_later` and timeouts stand still while the program is paused. */
  freezeTimeWhilePaused: boolean;
}

export const DEFAULT_OPTIONS: AsyncHealthOptions = {
  probe: true,
  detail: 'standard',
  tickMs: 100,
  injectTimeoutMs: 5_000,
  thresholds: DEFAULT_THRESHOLDS,
  maxTasksInCallStack: 200,
  freezeTimeWhilePaused: true,
};
