import type { HealthReport, ReportFinding } from '../../shared/report';
import { html } from './escape';
import { type ReportTable, tables } from './tables';
import { facts, incidentsOf, placeText, verdict } from './text';

const STYLE = `
:root { color-scheme: light dark; --fg: #1f2328; --muted: #59636e; --bg: #ffffff; --card: #f6f8fa; --line: #d1d9e0; --error: #b3261e; --warning: #7a4f00; --info: #0b57a4; }
@media (prefers-color-scheme: dark) { :root { --fg: #e6edf3; --muted: #9198a1; --bg: #0d1117; --card: #151b23; --line: #3d444d; --error: #ff8f87; --warning: #e3b341; --info: #79b8ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 62rem; padding: 2rem 1.25rem 4rem; background: var(--bg); color: var(--fg); font: 15px/1.55 system-ui, "Segoe UI", Roboto, sans-serif; }
h1 { font-size: 1.6rem; margin: 0 0 .25rem; overflow-wrap: anywhere; } h2 { font-size: 1.2rem; margin: 2.2rem 0 .8rem; }
.verdict { color: var(--muted); margin: 0; }
article { background: var(--card); border: 1px solid var(--line); border-left: 4px solid var(--line); border-radius: 6px; padding: .9rem 1.1rem; margin: 0 0 1rem; }
article.error { border-left-color: var(--error); } article.warning { border-left-color: var(--warning); } article.info { border-left-color: var(--info); }
h3 { font-size: 1rem; margin: 0 0 .4rem; } .severity { font-weight: 600; } .error > h3 .severity { color: var(--error); } .warning > h3 .severity { color: var(--warning); } .info > h3 .severity { color: var(--info); }
p { margin: .3rem 0 .6rem; overflow-wrap: anywhere; } code { font: 13px/1.4 ui-monospace, "Cascadia Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1rem; margin: .4rem 0; } dt { color: var(--muted); max-width: 22rem; } dd { margin: 0; overflow-wrap: anywhere; }
.fix { border-top: 1px solid var(--line); padding-top: .6rem; margin-bottom: 0; } ul { margin: .3rem 0; padding-left: 1.2rem; } .count { color: var(--muted); font-weight: 400; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; } th { color: var(--muted); font-weight: 400; text-align: start; } th, td { padding: .25rem 1rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; min-width: 4rem; }
@media (max-width: 40rem) { dl { grid-template-columns: 1fr; } dt { margin-top: .3rem; } }
@media print { body { max-width: none; padding: 0; } article { break-inside: avoid; } }
`;

/** The report as one self-contained page: no script, nothing fetched, light and dark. */
export function renderHtml(report: HealthReport): string {
  const incidents = incidentsOf(report);
  const title = `Async Health: ${report.program}`;
  const versions = Object.entries((report.statistics.libraries as Record<string, string> | undefined) ?? {}).map(
    ([name, version]) => `${name} ${version}`,
  );
  const figures: [string, string][] = [...facts(report), ['Python', [report.python, ...versions].filter((part) => part !== '').join(', ')]];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${html(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header><h1>${html(title)}</h1><p class="verdict">${html(verdict(report))}</p></header>
<main>
${incidents.length === 0 ? '' : `<section><h2>Findings</h2>\n${incidents.map(({ root, symptoms }) => article(root, symptoms)).join('\n')}\n</section>`}
<section><h2>Figures</h2>
<dl>${figures.map(([label, text]) => `<dt>${html(label)}</dt><dd>${html(text)}</dd>`).join('')}</dl>
</section>
${tables(report).map(section).join('\n')}
</main>
</body>
</html>
`;
}

function section({ title, columns, rows, more }: ReportTable): string {
  const head = columns.map((column) => `<th scope="col">${html(column)}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${html(cell)}</td>`).join('')}</tr>`).join('\n');
  return `<section><h2>${html(title)}</h2>
<div class="wide"><table><thead><tr>${head}</tr></thead>
<tbody>
${body}
</tbody></table></div>${more > 0 ? `\n<p class="count">and ${more} more.</p>` : ''}
</section>`;
}

function article(root: ReportFinding, symptoms: ReportFinding[]): string {
  const places = [
    ...(root.location === null ? [] : [`<dt>at</dt><dd><code>${html(placeText(root.location))}</code></dd>`]),
    ...root.related.map((related) => `<dt>${html(related.label)}</dt><dd><code>${html(placeText(related))}</code></dd>`),
  ];
  const followed = symptoms.map(
    (symptom) =>
      `<li><code>${html(symptom.code)}</code>${times(symptom)} ${html(symptom.message)}${symptom.location === null ? '' : ` <code>${html(placeText(symptom.location))}</code>`}</li>`,
  );
  return `<article class="${severityClass(root)}">
<h3><span class="severity">${html(root.severity)}</span> <code>${html(root.code)}</code>${times(root)}</h3>
<p>${html(root.message)}</p>
${places.length === 0 ? '' : `<dl>${places.join('')}</dl>`}
${followed.length === 0 ? '' : `<p>What followed from it:</p><ul>${followed.join('')}</ul>`}
${root.advice === '' ? '' : `<p class="fix"><strong>Fix:</strong> ${adviceHtml(root.advice)}</p>`}
</article>`;
}

function severityClass(finding: ReportFinding): string {
  return finding.severity === 'error' || finding.severity === 'warning' ? finding.severity : 'info';
}

function times(finding: ReportFinding): string {
  return finding.count > 1 ? ` <span class="count">${html(finding.count)} times</span>` : '';
}

function adviceHtml(advice: string): string {
  return advice
    .split(/(`[^`]+`)/)
    .map((part) => (part.startsWith('`') && part.endsWith('`') && part.length > 2 ? `<code>${html(part.slice(1, -1))}</code>` : html(part)))
    .join('');
}
