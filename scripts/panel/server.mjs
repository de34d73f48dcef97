// Serves the panel's page to a plain browser, the way VS Code does: the page in a frame of its own under the very same HTML and
// Content-Security-Policy, `acquireVsCodeApi` injected, theme tokens on the root element. The frame's messages travel to a host
// in this process, which is the real feed over the real model (see source.mjs).
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import esbuild from 'esbuild';
import { THEMES } from './themes.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The TypeScript sources that the harness runs, bundled for this process: the real ones, no second copy of anything. */
export async function loadSources() {
  const folder = mkdtempSync(join(tmpdir(), 'async-health-panel-'));
  const file = join(folder, 'sources.mjs');
  try {
    await esbuild.build({
      absWorkingDir: root,
      stdin: {
        contents:
          "export * from './src/health'; export * from './src/shared/batch'; export * from './src/shared/panelPage'; export * from './src/shared/ticker'; export * from './src/shared/wire';",
        resolveDir: root,
        loader: 'ts',
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      outfile: file,
      logLevel: 'warning',
    });
    return await import(pathToFileURL(file).href);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** dist/webview as the product builds it, in memory: { 'panel.js', 'panel.css' }. */
export async function buildPage({ minify = true } = {}) {
  const { outputFiles } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: { panel: 'webview/panel.ts' },
    bundle: true,
    platform: 'browser',
    target: 'chrome120',
    format: 'iife',
    outdir: 'out',
    write: false,
    minify,
    legalComments: 'none',
    logLevel: 'warning',
  });
  return Object.fromEntries(outputFiles.map((file) => [file.path.endsWith('.css') ? 'panel.css' : 'panel.js', file.contents]));
}

const frameScript = ({ kind, tokens }) => `
const key = 'async-health-state';
window.paintedCount = 0;
const api = {
  postMessage: (message) => {
    if (message.type === 'painted') {
      window.firstPainted ??= performance.now();
      window.paintedCount++;
    }
    parent.postMessage(message, '*');
  },
  getState: () => JSON.parse(sessionStorage.getItem(key) ?? 'null') ?? undefined,
  setState: (state) => sessionStorage.setItem(key, JSON.stringify(state)),
};
window.acquireVsCodeApi = () => api;
for (const [name, value] of Object.entries(${JSON.stringify(tokens)})) document.documentElement.style.setProperty('--vscode-' + name, value);
document.body.classList.add('${kind}');
document.body.dataset.vscodeThemeKind = '${kind}';
`;

const outerPage = (query) => `<!DOCTYPE html><html lang="en"><meta charset="UTF-8"><title>Async Health panel</title>
<style>html,body,iframe{margin:0;padding:0;border:0;width:100%;height:100%;display:block;overflow:hidden}</style>
<iframe id="frame" src="/frame${query}"></iframe>
<script>
const frame = document.getElementById('frame');
let last = Promise.resolve();
window.received = 0;
addEventListener('message', ({ data }) => {
  const body = JSON.stringify(data);
  last = last.then(() => fetch('/message', { method: 'POST', body })).catch(() => {});
});
const events = new EventSource('/events');
events.onmessage = ({ data }) => { window.received++; frame.contentWindow.postMessage(JSON.parse(data), '*'); };
</script></html>`;

/**
 * @param {object} options
 * @param {(send: (message: object) => void) => { handle(message: object): void, close?(): void }} options.connect
 *   makes the host of one page; what it sends reaches the page
 * @param {number} [options.port] 0 = any free one
 * @returns {Promise<{ url: string, close(): Promise<void>, stats: { messages: number, bytes: number } }>}
 */
export async function servePanel({ connect, panelPage, port = 0, minify = true }) {
  const files = await buildPage({ minify });
  const stats = { messages: 0, bytes: 0 };
  let stream;
  let backlog = [];
  let host;
  const send = (message) => {
    const text = JSON.stringify(message);
    stats.messages++;
    stats.bytes += text.length;
    if (stream) stream.write(`data: ${text}\n\n`);
    else backlog.push(text);
  };
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '/', 'http://localhost');
    const reply = (type, body, status = 200) => {
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
      response.end(body);
    };
    if (url.pathname === '/') {
      // One page at a time: a new one gets a host of its own, like a reloaded webview.
      host?.close?.();
      stream?.end();
      stream = undefined;
      backlog = [];
      host = connect(send);
      return reply('text/html', outerPage(url.search));
    }
    if (url.pathname === '/frame') {
      const theme = THEMES[url.searchParams.get('theme') ?? 'dark'] ?? THEMES.dark;
      const nonce = randomBytes(16).toString('base64url');
      const place = url.searchParams.get('place') === 'view' ? 'view' : 'editor';
      const page = panelPage({ script: '/panel.js', style: '/panel.css', cspSource: "'self'", nonce, place });
      return reply('text/html', page.replace('<ah-app>', `<script nonce="${nonce}">${frameScript(theme)}</script><ah-app>`));
    }
    if (url.pathname === '/panel.js') return reply('text/javascript', files['panel.js']);
    if (url.pathname === '/panel.css') return reply('text/css', files['panel.css']);
    if (url.pathname === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      stream = response;
      for (const text of backlog.splice(0)) response.write(`data: ${text}\n\n`);
      response.on('close', () => {
        if (stream === response) stream = undefined;
      });
      return;
    }
    if (url.pathname === '/message' && request.method === 'POST') {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        host?.handle(JSON.parse(body));
        reply('text/plain', 'ok');
      });
      return;
    }
    if (url.pathname === '/favicon.ico') return reply('image/x-icon', '', 204);
    reply('text/plain', 'not found', 404);
  });
  await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  const { port: bound } = server.address();
  return {
    url: `http://127.0.0.1:${bound}/`,
    stats,
    close: () =>
      new Promise((resolve) => {
        host?.close?.();
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
