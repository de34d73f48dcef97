/** What the page remembers over hiding and reloading (`vscode.setState`): where the user looks, never what the program did. Pure. */
import type { ListName } from '../../src/shared/panel';
import { LIST_NAMES } from './messages';

export const TABS = ['findings', 'tasks', 'scopes', 'locks', 'sessions', 'loop', 'debug'] as const;
export type TabName = (typeof TABS)[number];

/** How the user looks at one list. */
export interface ListState {
  filter: string;
  includeEnded: boolean;
  sort?: { key: string; descending: boolean };
  /** px from the top. */
  scroll: number;
  selected?: number;
}

export interface PageState {
  tab: TabName;
  lists: Record<ListName, ListState>;
  /** The process that `collapsed`, `selected` and `expanded` belong to: ids mean something else in another one. */
  process?: string;
  collapsed: { tasks: number[]; scopes: number[] };
  /** Findings whose stacks are open. */
  expanded: number[];
  /** The details pane beside the lists. */
  details: boolean;
  /** Share of the room that the details pane takes, 0.15..0.75. */
  split: number;
}

/** Stored ids are cut here: a state of megabytes would make every save slow. */
const MAX_IDS = 2_000;

const listState = (includeEnded = false): ListState => ({ filter: '', includeEnded, scroll: 0 });

export function defaultState(): PageState {
  return {
    tab: 'findings',
    lists: { findings: listState(true), tasks: listState(), scopes: listState(), locks: listState(), sessions: listState(true) },
    collapsed: { tasks: [], scopes: [] },
    expanded: [],
    details: true,
    split: 0.36,
  };
}

const isBag = (x: unknown): x is Record<string, unknown> => typeof x === 'object' && x !== null && !Array.isArray(x);
const ids = (x: unknown): number[] => (Array.isArray(x) ? x.filter((id): id is number => Number.isFinite(id)).slice(-MAX_IDS) : []);

/** A state from whatever was stored, perhaps by another version: what is not usable falls back to the default. */
export function restoreState(stored: unknown): PageState {
  const state = defaultState();
  if (!isBag(stored)) return state;
  if (TABS.includes(stored.tab as TabName)) state.tab = stored.tab as TabName;
  if (typeof stored.process === 'string') state.process = stored.process;
  if (typeof stored.details === 'boolean') state.details = stored.details;
  if (typeof stored.split === 'number' && stored.split >= 0.15 && stored.split <= 0.75) state.split = stored.split;
  state.expanded = ids(stored.expanded);
  if (isBag(stored.collapsed)) state.collapsed = { tasks: ids(stored.collapsed.tasks), scopes: ids(stored.collapsed.scopes) };
  if (isBag(stored.lists)) {
    for (const name of LIST_NAMES) {
      const from = stored.lists[name];
      if (!isBag(from)) continue;
      const to = state.lists[name];
      if (typeof from.filter === 'string') to.filter = from.filter;
      if (typeof from.includeEnded === 'boolean') to.includeEnded = from.includeEnded;
      if (typeof from.scroll === 'number' && from.scroll >= 0 && Number.isFinite(from.scroll)) to.scroll = from.scroll;
      if (typeof from.selected === 'number') to.selected = from.selected;
      if (isBag(from.sort) && typeof from.sort.key === 'string') {
        to.sort = { key: from.sort.key, descending: from.sort.descending === true };
      }
    }
  }
  return state;
}

/** The state for another process: filters, tab and sorting stay, everything that names rows goes. */
export function forProcess(state: PageState, process: string | undefined): PageState {
  if (state.process === process) return state;
  const lists = { ...state.lists };
  for (const name of LIST_NAMES) lists[name] = { ...lists[name], scroll: 0, selected: undefined };
  return { ...state, process, lists, collapsed: { tasks: [], scopes: [] }, expanded: [] };
}

/** The ids with one flipped, oldest dropped past the limit. */
export function toggled(list: readonly number[], id: number, on = !list.includes(id)): number[] {
  const rest = list.filter((other) => other !== id);
  return on ? [...rest, id].slice(-MAX_IDS) : rest;
}
