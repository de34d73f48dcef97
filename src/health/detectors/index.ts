/** All detectors, in the order in which they hear of one event: causes before symptoms. */
import { BlockedLoop } from './blockedLoop';
import { CancelSpin, ForeignCancel, SwallowedCancellation } from './cancellation';
import { LockDeadlock } from './deadlock';
import type { Detector, World } from './detector';
import { AbandonedGenerator, YieldInScope } from './generators';
import { LeakedScope, ScopeOutlivesTask } from './leakedScope';
import { LockAbandoned, LockReentry, LockTimeout } from './locks';
import { QueueStuck } from './queues';
import { ExceptionNeverRetrieved, NeverAwaited, WrongLoop } from './runtime';
import { CrossTaskExit, OutOfOrderExit } from './scopeExit';
import { UnclosedSession } from './sessions';
import { OrphanedTask, StuckTask } from './tasks';

const DETECTORS = [
  AbandonedGenerator,
  YieldInScope,
  CrossTaskExit,
  OutOfOrderExit,
  ScopeOutlivesTask,
  LeakedScope,
  ForeignCancel,
  CancelSpin,
  SwallowedCancellation,
  LockReentry,
  LockDeadlock,
  LockAbandoned,
  LockTimeout,
  QueueStuck,
  UnclosedSession,
  BlockedLoop,
  OrphanedTask,
  StuckTask,
  ExceptionNeverRetrieved,
  NeverAwaited,
  WrongLoop,
];

export function createDetectors(world: World): Detector[] {
  return DETECTORS.map((Kind) => new Kind(world) as Detector);
}
