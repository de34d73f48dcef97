import type { Task } from '../core/entities';
import type { TaskTree } from '../trackers/taskTree';

export interface PlacedTask {
  task: Task;
  depth: number;
}

/**
 * The tree order of tasks, page by page. Uses the counts that the tree keeps, so what is above the page is skipped subtree by
 * subtree: cost is the page plus the siblings passed on the way, never the whole tree.
 * Ended tasks (when they are not shown) are left out and their children move up one level.
 */
export class TaskOrder {
  private readonly hiddenBelow = new Map<Task, number>();

  constructor(
    private readonly tree: TaskTree,
    private readonly includeEnded: boolean,
    private readonly collapsed: ReadonlySet<number>,
    collapsedTasks: Iterable<Task>,
  ) {
    for (const task of collapsedTasks) {
      if (this.hasCollapsedAncestor(task)) continue;
      // The row itself stays when it is shown at all.
      const hidden = this.raw(task) - (this.isShown(task) ? 1 : 0);
      if (hidden <= 0 || !this.isShown(task)) continue;
      for (let node: Task | undefined = task; node !== undefined; node = node.parent) {
        this.hiddenBelow.set(node, (this.hiddenBelow.get(node) ?? 0) + hidden);
      }
    }
  }

  get total(): number {
    return this.size(this.tree.root);
  }

  page(offset: number, limit: number): PlacedTask[] {
    const out: PlacedTask[] = [];
    let skip = Math.max(0, offset);
    // An explicit stack of "next sibling to visit": trees may be deep.
    const stack: { node: Task | undefined; depth: number }[] = [{ node: this.tree.root.firstChild, depth: 0 }];
    while (stack.length > 0 && out.length < limit) {
      const top = stack[stack.length - 1]!;
      const node = top.node;
      if (node === undefined) {
        stack.pop();
        continue;
      }
      top.node = node.next;
      const size = this.size(node);
      if (size === 0) continue;
      if (skip >= size) {
        skip -= size;
        continue;
      }
      const shown = this.isShown(node);
      if (shown) {
        if (skip > 0) skip--;
        else out.push({ task: node, depth: top.depth });
        if (this.collapsed.has(node.id)) continue;
      }
      if (node.firstChild !== undefined) stack.push({ node: node.firstChild, depth: top.depth + (shown ? 1 : 0) });
    }
    return out;
  }

  /** Position of a task in this order, -1 when it is not shown. Cost: the siblings before it and before its ancestors. */
  indexOf(task: Task): number {
    if (!this.isShown(task) || this.hasCollapsedAncestor(task)) return -1;
    let index = 0;
    for (let node: Task = task; node.parent !== undefined; node = node.parent) {
      for (let before = node.previous; before !== undefined; before = before.previous) index += this.size(before);
      if (node !== task && this.isShown(node)) index++;
    }
    return index;
  }

  private isShown(task: Task): boolean {
    return this.includeEnded || !task.ended;
  }

  private raw(task: Task): number {
    return this.includeEnded ? task.all : task.live;
  }

  private size(task: Task): number {
    return this.raw(task) - (this.hiddenBelow.get(task) ?? 0);
  }

  private hasCollapsedAncestor(task: Task): boolean {
    for (let node = task.parent; node !== undefined; node = node.parent) {
      if (this.collapsed.has(node.id) && this.isShown(node)) return true;
    }
    return false;
  }
}
