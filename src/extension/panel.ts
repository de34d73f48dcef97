/**
 * The "Async Health" panel: one webview that shows the processes of the registry. The page keeps no truth and neither does this
 * file: a PanelFeed per page reads the models. A hidden panel costs nothing, a visible one at most fifteen messages a second.
 */
import { randomBytes } from 'node:crypto';
import * as vscode from 'vscode';
import type { Log } from '../adapter/log';
import { type FeedProcess, PanelFeed } from '../health';
import type { FromPanel, ListName, PanelAction, ToPanel } from '../shared/panel';
import { panelPage } from '../shared/panelPage';
import { Ticker } from '../shared/ticker';
import type { HealthProcess, ProcessRegistry } from './registry';

export const PANEL_TYPE = 'asyncHealth.panel';
/** Between two looks at the models: so often while the probe speaks, and when it is silent. */
const TICK_MS = 90;
const IDLE_TICK_MS = 300;

/** Does what the page asks for. Resolves to a text for the user or nothing; @throws Error with a text for the user */
export type ActionHandler = (
  action: PanelAction,
  from: { process?: HealthProcess; column?: vscode.ViewColumn },
) => Promise<string | undefined>;

/** One page and its feed. */
class PanelPage implements vscode.Disposable {
  private readonly feed: PanelFeed;
  private readonly disposables: vscode.Disposable[] = [];
  private readonly ticker = new Ticker(() => this.tick(), TICK_MS, IDLE_TICK_MS);
  private selected: string | undefined;
  /** Set once the page's script runs; before, nothing may be sent. */
  private ready = false;
  private pendingReveal: (() => void) | undefined;

  constructor(
    readonly webview: vscode.WebviewPanel,
    extensionUri: vscode.Uri,
    private readonly registry: ProcessRegistry,
    private readonly log: Log,
    private readonly act: ActionHandler,
    onDispose: () => void,
  ) {
    const files = vscode.Uri.joinPath(extensionUri, 'dist', 'webview');
    const media = vscode.Uri.joinPath(extensionUri, 'media');
    webview.webview.options = { enableScripts: true, localResourceRoots: [files, media] };
    webview.iconPath = vscode.Uri.joinPath(media, 'view.svg');
    this.feed = new PanelFeed((message: ToPanel) => void webview.webview.postMessage(message), {
      onAction: (request, action) => void this.handle(request, action),
      onError: (message, stack) => log.error(`Panel: ${message}`, stack),
    });
    this.disposables.push(
      webview.webview.onDidReceiveMessage((message: FromPanel) => this.receive(message)),
      webview.onDidChangeViewState(() => this.updateVisibility()),
      registry.onDidChange(() => this.update()),
      registry.onDidReceive(() => this.ticker.wake()),
      webview.onDidDispose(() => {
        this.dispose();
        onDispose();
      }),
    );
    webview.webview.html = panelPage({
      script: webview.webview.asWebviewUri(vscode.Uri.joinPath(files, 'panel.js')).toString(),
      style: webview.webview.asWebviewUri(vscode.Uri.joinPath(files, 'panel.css')).toString(),
      cspSource: webview.webview.cspSource,
      nonce: randomBytes(18).toString('base64url'),
    });
    this.update();
    this.updateVisibility();
  }

  reveal(process: HealthProcess, list: ListName, id: number): void {
    this.select(process.id);
    const run = () => this.feed.reveal(list, id);
    if (this.ready) run();
    else this.pendingReveal = run;
  }

  select(id: string): void {
    this.selected = id;
    this.update();
    this.feed.select(id);
  }

  private receive(message: FromPanel): void {
    try {
      this.feed.handle(message);
    } catch (error) {
      this.log.error(`The panel's ${message?.type} could not be handled`, error);
    }
    if (message?.type !== 'ready') return;
    this.ready = true;
    const reveal = this.pendingReveal;
    this.pendingReveal = undefined;
    this.tick();
    reveal?.();
  }

  private updateVisibility(): void {
    const { visible } = this.webview;
    // Without retained context a hidden page is gone; shown again it loads anew and says `ready`.
    if (!visible) this.ready = false;
    this.feed.setVisible(visible);
    if (visible) this.ticker.start();
    else this.ticker.stop();
  }

  private update(): void {
    const processes: FeedProcess[] = this.registry.processes.map((process) => ({
      info: process.info(),
      model: process.source.health,
      debug: () => process.source.statistics(),
    }));
    this.feed.setProcesses(processes);
    // Follows the debugger until the user has chosen a process in the page.
    const wanted = this.registry.get(this.selected) ? this.selected : this.registry.selected?.id;
    if (wanted) this.feed.select(wanted);
  }

  private tick(): void {
    if (!this.ready) return;
    try {
      this.update();
      this.feed.tick();
    } catch (error) {
      this.log.error('The panel could not be brought up to date', error);
    }
  }

  private async handle(request: number, action: PanelAction): Promise<void> {
    if (action.do === 'selectProcess') {
      this.select(action.id);
      this.registry.select(action.id);
      this.feed.result(request, true);
      return;
    }
    const process = this.registry.get(this.selected) ?? this.registry.selected;
    try {
      const message = await this.act(action, { process, column: this.webview.viewColumn });
      this.feed.result(request, true, message);
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      this.log.warn(`Panel action "${action.do}" failed: ${text}`);
      this.feed.result(request, false, text);
    }
  }

  dispose(): void {
    this.ticker.stop();
    for (const disposable of this.disposables.splice(0)) disposable.dispose();
  }
}

export class PanelHost implements vscode.Disposable {
  private page: PanelPage | undefined;
  /** The user has closed it and not asked for it since: it does not come back by itself in this window. */
  private unwanted = false;
  /** Set by the commands, which come after the panel. */
  onAction: ActionHandler = async () => undefined;

  constructor(
    private readonly extensionUri: vscode.Uri,
    private readonly registry: ProcessRegistry,
    private readonly log: Log,
  ) {}

  get visible(): boolean {
    return this.page?.webview.visible ?? false;
  }

  /** Opens the panel beside the source, or brings it to the front. */
  show({ preserveFocus = false } = {}): void {
    this.unwanted = false;
    if (this.page) {
      this.page.webview.reveal(undefined, preserveFocus);
      return;
    }
    const column = vscode.window.activeTextEditor ? vscode.ViewColumn.Beside : vscode.ViewColumn.Active;
    const webview = vscode.window.createWebviewPanel(PANEL_TYPE, 'Async Health', { viewColumn: column, preserveFocus });
    this.adopt(webview);
  }

  /** Opens the panel of its own accord, without taking the focus; one that is there stays where the user has put it. */
  showUnasked(): void {
    if (!this.page && !this.unwanted) this.show({ preserveFocus: true });
  }

  reveal(process: HealthProcess, list: ListName, id: number): void {
    this.show({ preserveFocus: true });
    this.page?.reveal(process, list, id);
  }

  /** After a reload of the window VS Code hands the old panel back. */
  adopt(webview: vscode.WebviewPanel): void {
    const old = this.page;
    // No longer the page when it is disposed of: that is not the user closing it.
    this.page = undefined;
    old?.webview.dispose();
    const page: PanelPage = new PanelPage(
      webview,
      this.extensionUri,
      this.registry,
      this.log,
      (action, from) => this.onAction(action, from),
      () => {
        if (this.page !== page) return;
        this.page = undefined;
        this.unwanted = true;
      },
    );
    this.page = page;
  }

  dispose(): void {
    this.page?.webview.dispose();
  }
}

export function registerPanel(context: vscode.ExtensionContext, registry: ProcessRegistry, log: Log): PanelHost {
  const host = new PanelHost(context.extensionUri, registry, log);
  context.subscriptions.push(
    host,
    vscode.window.registerWebviewPanelSerializer(PANEL_TYPE, {
      async deserializeWebviewPanel(webview) {
        host.adopt(webview);
      },
    }),
  );
  return host;
}
