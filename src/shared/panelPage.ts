/** The HTML around the panel's page: one definition for the editor's webview and for the browser harness. */

export interface PanelPageOptions {
  /** URI of dist/webview/panel.js as the page may load it. */
  script: string;
  /** URI of dist/webview/panel.css. */
  style: string;
  /** Source expression of the page's own files (`webview.cspSource`). */
  cspSource: string;
  /** Fresh random token per page. */
  nonce: string;
  /** `view` = sidebar or bottom panel, `editor` = an editor tab: decides the background. */
  place?: 'view' | 'editor';
}

/**
 * The page under a strict Content-Security-Policy: our script by nonce, our style sheet, nothing inline, nothing remote.
 * Everything else is made by the script with constructable style sheets, which CSP does not restrict. The toolkit's base probes
 * once, with a style element that takes its nonce from `csp-nonce`, whether the browser knows `:focus-visible`.
 * The script stands before the style sheet, so that both are fetched at once; it runs when the page has been read.
 */
export function panelPage({ script, style, cspSource, nonce, place = 'editor' }: PanelPageOptions): string {
  const csp = `default-src 'none'; script-src 'nonce-${nonce}'; style-src ${cspSource} 'nonce-${nonce}'; img-src ${cspSource} data:; font-src ${cspSource}`;
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="UTF-8">
<meta http-equiv="Content-Security-Policy" content="${csp}">
<meta property="csp-nonce" content="${nonce}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<script nonce="${nonce}" src="${script}" defer></script>
<link rel="stylesheet" href="${style}">
<title>Async Health</title>
</head>
<body data-place="${place}">
<ah-app></ah-app>
</body>
</html>
`;
}
