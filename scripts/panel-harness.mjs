// The panel's page in a plain browser, on the real model: for working on the page without starting an editor.
//   node scripts/panel-harness.mjs [--recording FILE] [--speed N] [--tasks N] [--changes N] [--port N]
// Then open the printed address; ?theme=dark|light|hc-dark|hc-light and &place=view|editor choose the looks.
import { parseArgs } from 'node:util';
import { loadSources, servePanel } from './panel/server.mjs';
import { recordingSource, syntheticSource } from './panel/source.mjs';
import { THEMES } from './panel/themes.mjs';

const { values } = parseArgs({
  options: {
    recording: { type: 'string' },
    speed: { type: 'string', default: '1' },
    tasks: { type: 'string', default: '1000' },
    changes: { type: 'string', default: '5000' },
    port: { type: 'string', default: '0' },
  },
});

const sources = await loadSources();
const onAction = (action) => console.log('action:', JSON.stringify(action));
const connect = values.recording
  ? recordingSource(sources, values.recording, { speed: Number(values.speed), onAction })
  : syntheticSource(sources, { tasks: Number(values.tasks), changesPerSecond: Number(values.changes), onAction });
const server = await servePanel({ connect, panelPage: sources.panelPage, port: Number(values.port), minify: false });
console.log(`The panel is at ${server.url}`);
for (const name of Object.keys(THEMES)) console.log(`  ${server.url}?theme=${name}`);
