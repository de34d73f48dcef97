/** Features that know tasks, as interceptors in the order in which they see messages. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { AdapterContext } from '../context';
import type { Interceptor } from '../interceptors';
import { AwaitConsole } from './AwaitConsole';
import { BreakpointMerge } from './BreakpointMerge';
import { CreationStacks } from './CreationStacks';
import { watchPauses } from './FrozenTime';
import { Pause } from './Pause';
import { ProgramRequests } from './ProgramRequests';
import { Stepping } from './Stepping';
import { StopState } from './StopState';
import { TaskActions } from './TaskActions';
import { TaskThreads } from './TaskThreads';
import { Violations } from './Violations';

export function taskInterceptors(context: AdapterContext): Interceptor[] {
  const stop = new StopState();
  const creations = new CreationStacks(context);
  const threads = new TaskThreads(context, stop, creations);
  const stepping = new Stepping(context, stop, threads);
  const breakpoints = new BreakpointMerge(context);
  watchPauses(context, stop);
  const watcher: Interceptor = {
    name: 'stop state',
    onEvent: (event: DebugProtocol.Event) => stop.observe(event),
  };
  return [
    watcher,
    threads,
    stepping,
    new Pause(context),
    new AwaitConsole(context, stop),
    new Violations(context, stop),
    breakpoints,
    new ProgramRequests(context, stop, breakpoints),
    new TaskActions(context, threads, stepping, creations),
  ];
}
