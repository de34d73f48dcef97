/**
 * The health model: what the stream of probe batches means. In: decoded batches. Out: rows, findings, panel messages, reports.
 * Pure and synchronous, no clock, no socket, no `vscode`: so it can be replayed, fuzzed and measured.
 */
export { DEFAULT_RETENTION, type Retention } from './core/world';
export { type FeedProcess, PanelFeed, type PanelFeedOptions } from './feed';
export { HealthModel, type HealthModelOptions, type OverviewParts, type ReportMeta } from './model';
export { MemoryRecording, Recorder, Replay, type ReplayOptions, type ReplayResult, replay } from './recording';
export { renderHtml } from './report/html';
export { renderMarkdown } from './report/markdown';
export { type ReportFormat, renderReport } from './report/render';
export { renderSummary, type SummaryOptions } from './report/summary';
export type { LockMonitor } from './trackers/locks';
export type { ResourceMonitor } from './trackers/resources';
export type { CancelScopeTracker, ScopeEvent, ScopeViolation } from './trackers/scopes';
export type { SessionMonitor } from './trackers/sessions';
export type { SystemMonitor } from './trackers/system';
export type { TaskMonitor } from './trackers/taskMonitor';
export type { AsyncTaskTracker } from './trackers/tasks';
