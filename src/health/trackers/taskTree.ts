import { Task } from '../core/entities';

/** Deeper tasks hang beside their creator: a program in which each task starts the next one would be a list, not a tree. */
export const MAX_DEPTH = 200;

/**
 * Who started whom. Every node knows how many tasks (living, all) its subtree holds, so a page of the list is found without
 * walking what is not shown. Cost of a change: the task's depth.
 */
export class TaskTree {
  /** Above all; not a task. */
  readonly root = new Task(0, 0, '', undefined, 0);

  constructor() {
    this.root.live = 0;
    this.root.all = 0;
  }

  get live(): number {
    return this.root.live;
  }

  get all(): number {
    return this.root.all;
  }

  attach(task: Task, parent: Task | undefined): void {
    let under = parent ?? this.root;
    if (under.depth >= MAX_DEPTH) under = under.parent ?? this.root;
    this.link(task, under, under.lastChild, undefined);
    this.add(under, task.live, task.all);
  }

  /** Moves a task (with what is below it) to another parent; refused when that would make a circle. */
  move(task: Task, parent: Task): void {
    if (task.parent === parent || task.parent === undefined) return;
    for (let above: Task | undefined = parent; above !== undefined; above = above.parent) if (above === task) return;
    this.add(task.parent, -task.live, -task.all);
    this.unlink(task);
    this.attach(task, parent);
  }

  end(task: Task): void {
    if (task.parent === undefined) return;
    this.add(task, -1, 0);
    task.parent.liveChildren--;
  }

  /** Forgets a task; its children take its place. */
  remove(task: Task): void {
    const parent = task.parent;
    if (parent === undefined) return;
    this.add(parent, task.ended ? 0 : -1, -1);
    const first = task.firstChild;
    const last = task.lastChild;
    const before = task.previous;
    const after = task.next;
    this.unlink(task);
    if (first === undefined || last === undefined) return;
    for (let child: Task | undefined = first; child !== undefined; child = child.next) child.parent = parent;
    parent.liveChildren += task.liveChildren;
    task.liveChildren = 0;
    first.previous = before;
    last.next = after;
    if (before === undefined) parent.firstChild = first;
    else before.next = first;
    if (after === undefined) parent.lastChild = last;
    else after.previous = last;
    task.firstChild = undefined;
    task.lastChild = undefined;
  }

  isBelow(task: Task, ancestor: Task): boolean {
    for (let above: Task | undefined = task; above !== undefined; above = above.parent) if (above === ancestor) return true;
    return false;
  }

  private add(from: Task, live: number, all: number): void {
    for (let node: Task | undefined = from; node !== undefined; node = node.parent) {
      node.live += live;
      node.all += all;
    }
  }

  private link(task: Task, parent: Task, before: Task | undefined, after: Task | undefined): void {
    task.parent = parent;
    if (!task.ended) parent.liveChildren++;
    task.depth = parent.depth + 1;
    task.previous = before;
    task.next = after;
    if (before === undefined) parent.firstChild = task;
    else before.next = task;
    if (after === undefined) parent.lastChild = task;
    else after.previous = task;
  }

  private unlink(task: Task): void {
    const parent = task.parent!;
    if (!task.ended) parent.liveChildren--;
    if (task.previous === undefined) parent.firstChild = task.next;
    else task.previous.next = task.next;
    if (task.next === undefined) parent.lastChild = task.previous;
    else task.next.previous = task.previous;
    task.parent = undefined;
    task.previous = undefined;
    task.next = undefined;
  }
}

/** Tasks that wait, the longest first. A task whose wait changes goes to the end: O(1). */
export class AgeList {
  head: Task | undefined = undefined;
  private tail: Task | undefined = undefined;

  touch(task: Task): void {
    if (task.aged) {
      if (this.tail === task) return;
      this.remove(task);
    }
    task.aged = true;
    task.agePrevious = this.tail;
    if (this.tail === undefined) this.head = task;
    else this.tail.ageNext = task;
    this.tail = task;
  }

  remove(task: Task): void {
    if (!task.aged) return;
    if (task.agePrevious === undefined) this.head = task.ageNext;
    else task.agePrevious.ageNext = task.ageNext;
    if (task.ageNext === undefined) this.tail = task.agePrevious;
    else task.ageNext.agePrevious = task.agePrevious;
    task.aged = false;
    task.agePrevious = undefined;
    task.ageNext = undefined;
  }
}
