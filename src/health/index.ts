/**
 * The health model: what the stream of probe batches means. In: decoded batches. Out: rows, findings, panel messages, reports.
 * Pure and synchronous, no clock, no socket, no `vscode`: so it can be replayed, fuzzed and measured.
 */
export { type FeedProcess, PanelFeed, type PanelFeedOptions } from './feed';
export { HealthModel, type HealthModelOptions, type OverviewParts, type ReportMeta } from './model';
