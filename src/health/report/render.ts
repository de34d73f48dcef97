import type { HealthReport } from '../../shared/report';
import { renderHtml } from './html';
import { renderMarkdown } from './markdown';

/** What a report can be written as; "text" for the terminal is {@link renderSummary}. */
export type ReportFormat = 'json' | 'markdown' | 'html';

export function renderReport(report: HealthReport, format: ReportFormat): string {
  if (format === 'html') return renderHtml(report);
  return format === 'markdown' ? renderMarkdown(report) : `${JSON.stringify(report, null, 2)}\n`;
}
