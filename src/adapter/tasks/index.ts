/** Features that know tasks, as interceptors in the order in which they see messages. */
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { AdapterContext } from '../context';
import type { Interceptor } from '../interceptors';
import { CreationStacks } from './CreationStacks';
import { Stepping } from './Stepping';
import { StopState } from './StopState';
import { TaskThreads } from './TaskThreads';

export function taskInterceptors(context: AdapterContext): Interceptor[] {
  const stop = new StopState();
  const creations = new CreationStacks(context);
  const threads = new TaskThreads(context, stop, creations);
  const watcher: Interceptor = {
    name: 'stop state',
    onEvent: (event: DebugProtocol.Event): undefined => {
      stop.observe(event);
    },
  };
  return [watcher, threads, new Stepping(context, stop, threads)];
}
