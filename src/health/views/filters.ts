/** Free-text filter: what of each thing is searched. All words must occur; case does not matter. */
import type { Finding, SourceLocation } from '../../shared/findings';
import type { Stack } from '../core/definitions';
import type { Lock, Scope, Session, Task } from '../core/entities';
import { type RowContext, taskState } from './rows';
import { waitName } from './waits';

const places = new WeakMap<Stack, string>();

function placeText(stack: Stack | undefined): string {
  if (stack === undefined) return '';
  let text = places.get(stack);
  if (text === undefined) {
    text = locationText(stack.place);
    places.set(stack, text);
  }
  return text;
}

function locationText(place: SourceLocation | undefined): string {
  return place === undefined ? '' : `${place.file}:${place.line} ${place.function}`.toLowerCase();
}

/** Says whether a task matches; cheapest fields first. */
export function taskMatcher(filter: string, context: RowContext): (task: Task) => boolean {
  const words = filter.toLowerCase().split(/\s+/);
  return (task) =>
    words.every(
      (word) =>
        task.name.toLowerCase().includes(word) ||
        task.coroutine.toLowerCase().includes(word) ||
        taskState(task).includes(word) ||
        placeText(task.waitStack).includes(word) ||
        placeText(task.creation).includes(word) ||
        (!task.ended && waitName(task, context).toLowerCase().includes(word)) ||
        task.exception.toLowerCase().includes(word),
    );
}

export function scopeText(scope: Scope): string {
  return `${scope.type} ${scope.name} ${scope.host?.label ?? ''} ${placeText(scope.entered)} ${scope.cancelled === undefined ? '' : 'cancelled'} ${scope.shield ? 'shield' : ''}`.toLowerCase();
}

export function lockText(lock: Lock): string {
  const names = [
    ...lock.holders.slice(0, 20).map((holder) => holder.task?.label ?? ''),
    ...[...lock.waiters.keys()].slice(0, 20).map((task) => task.label),
  ];
  return `${lock.type} ${lock.label} ${placeText(lock.creation ?? lock.firstPlace)} ${names.join(' ')}`.toLowerCase();
}

export function sessionText(session: Session): string {
  return `${session.type} ${session.name} ${session.opener?.label ?? ''} ${placeText(session.opened)} ${session.open ? 'open' : 'closed'}`.toLowerCase();
}

export function findingText(finding: Finding): string {
  return `${finding.code} ${finding.severity} ${finding.message} ${finding.task?.name ?? ''} ${locationText(finding.location)}`.toLowerCase();
}
