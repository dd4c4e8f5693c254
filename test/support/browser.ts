/**
 * The Node-RED editor in a headless Chromium, the way a person meets it. An error on the page is a failure of the test
 * that caused it: call `Editor.close`, which throws it.
 */
import { existsSync } from 'node:fs';
import { chromium, type Browser, type Page } from 'playwright-core';

/** Where distributions put it. `CHROMIUM` names another one. */
const CANDIDATES = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** @throws when no Chromium is installed: a browser test that quietly does nothing would be worth nothing. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = [process.env.CHROMIUM ?? '', ...CANDIDATES].find((file) => file !== '' && existsSync(file));
  if (executablePath === undefined) throw new Error('no Chromium found: apt-get install chromium, or set CHROMIUM');
  return chromium.launch({ executablePath, args: ARGUMENTS });
}

export interface EditorOptions {
  /** A locale as browsers name them. Default: English. */
  language?: string;
  /** Node-RED 5 in its dark theme; Node-RED 4 has none. */
  dark?: boolean;
  width?: number;
  height?: number;
}

export class Editor {
  private constructor(
    readonly page: Page,
    /** What went wrong on the page so far. */
    readonly errors: string[],
  ) {}

  /** Opens the editor and waits until a person could start to work. */
  static async open(browser: Browser, url: string, options: EditorOptions = {}): Promise<Editor> {
    const context = await browser.newContext({
      locale: options.language ?? 'en-US',
      colorScheme: options.dark === true ? 'dark' : 'light',
      viewport: { width: options.width ?? 1400, height: options.height ?? 900 },
      reducedMotion: 'reduce',
    });
    // A busy machine takes its time; what a test waits for on the page has its own limits.
    context.setDefaultNavigationTimeout(120_000);
    // Node-RED 5 follows the system only where its user says so; this is where it keeps what they said.
    if (options.dark === true) await context.addInitScript(`localStorage.setItem('view-dark-theme', 'dark')`);
    const page = await context.newPage();
    const editor = new Editor(page, []);
    page.on('pageerror', (error) => {
      const stack = error.stack ?? error.message;
      // Node-RED 5 shows a tip by a timer, also where a slow machine has not drawn the place for it yet.
      if (!/^TypeError: [^\n]*'html'\)\s+at a \([^\n]*red\.min\.js[^\n]*\)$/.test(stack)) editor.errors.push(stack);
    });
    await page.goto(url);
    await editor.ready();
    return editor;
  }

  /** The palette alone is too early a sign: flows may still be on their way to the workspace. */
  async ready(): Promise<void> {
    await this.page.waitForFunction(
      `(() => {
        const progress = document.querySelector('#red-ui-loading-progress');
        const hidden = progress === null || getComputedStyle(progress).display === 'none';
        return hidden && typeof RED !== 'undefined' && Boolean(RED.workspaces && RED.workspaces.active());
      })()`,
    );
  }

  /** Runs an expression in the page, where `RED` is the editor's. */
  evaluate<T>(expression: string): Promise<T> {
    return this.page.evaluate<T>(expression);
  }

  /** The text of a node's badge as drawn on the canvas; empty where there is none. */
  async badge(id: string): Promise<string> {
    const label = this.page.locator(`[id="${id}"] .red-ui-flow-node-status-label`);
    return (await label.count()) === 0 ? '' : ((await label.first().textContent()) ?? '').trim();
  }

  async close(): Promise<void> {
    await this.page.context().close();
    if (this.errors.length > 0) throw new Error(`errors on the page:\n${this.errors.join('\n')}`);
  }
}
