/** Features that know tasks, as interceptors in the order in which they see messages. */
import type { AdapterContext } from '../context';
import type { Interceptor } from '../interceptors';

export function taskInterceptors(_context: AdapterContext): Interceptor[] {
  return [];
}
