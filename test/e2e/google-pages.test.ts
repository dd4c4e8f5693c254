/**
 * The pages that a person meets on the Google side, in a real browser: the login page on a phone, in every language, and
 * the demo's conversation.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { createRequire } from 'node:module';
import type { Browser, Page } from 'playwright-core';
import { authorizeAddress } from '../../simulators/google/link';
import type { RunningStandIn } from '../../simulators/google/page';
import { openBrowser } from '../support/browser';
import { openTalkingHouse, type GuideHouse } from '../support/guide-house';

const PHONE = { width: 390, height: 844 };

describe('pages of the Google side, in a browser', function () {
  this.timeout(60_000);
  let browser: Browser;
  let house: GuideHouse;
  let google: RunningStandIn;
  let axe: string;

  before(async () => {
    axe = await readFile(createRequire(__filename).resolve('axe-core/axe.min.js'), 'utf8');
    browser = await openBrowser();
  });
  after(() => browser.close());
  let close: () => Promise<void>;
  beforeEach(async () => {
    ({ house, google, close } = await openTalkingHouse());
  });
  afterEach(() => close());

  async function open(url: string, options: Parameters<Browser['newContext']>[0] = {}): Promise<[Page, string[]]> {
    const page = await (await browser.newContext(options)).newPage();
    const errors: string[] = [];
    page.on('pageerror', (error) => errors.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text());
    });
    await page.goto(url);
    return [page, errors];
  }

  async function findings(page: Page): Promise<string[]> {
    await page.evaluate(axe);
    const { violations } = await page.evaluate<{ violations: { id: string; nodes: { html: string }[] }[] }>(
      'axe.run()',
    );
    return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
  }

  for (const locale of ['en-US', 'fr-FR', 'ru-RU', 'pl-PL']) {
    for (const colorScheme of ['light', 'dark'] as const) {
      it(`login page on a phone, ${locale}, ${colorScheme}: fits, and nothing stands in anybody's way`, async () => {
        const look = { viewport: PHONE, locale, colorScheme, bypassCSP: true };
        const [page, errors] = await open(authorizeAddress(house.settings).href, look);
        assert.equal(await page.evaluate('document.documentElement.lang'), locale.slice(0, 2));
        assert.deepEqual(await findings(page), []);
        assert.equal(await page.evaluate('document.documentElement.scrollWidth'), PHONE.width);
        assert.deepEqual(errors, []);
        await page.context().close();
      });
    }
  }

  it('a person links with the keyboard alone', async () => {
    const [page] = await open(authorizeAddress(house.settings, { state: 'kept' }).href);
    // The page puts the cursor where typing begins; a person sees that it is there.
    const ready = (field: string) => page.waitForFunction(`document.activeElement?.name === '${field}'`);
    await ready('username');
    await page.keyboard.type('anna');
    await page.keyboard.press('Tab');
    await page.keyboard.type('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await ready('password');
    const back = page.waitForRequest((request) => request.url().startsWith('https://oauth-redirect.'));
    await page.keyboard.type('correct horse');
    await page.keyboard.press('Enter');
    const { searchParams } = new URL((await back).url());
    assert.ok(searchParams.get('code'));
    assert.equal(searchParams.get('state'), 'kept');
    await page.context().close();
  });

  it('a person cancels without typing anything', async () => {
    const [page] = await open(authorizeAddress(house.settings).href);
    const back = page.waitForRequest((request) => request.url().startsWith('https://oauth-redirect.'));
    await page.getByRole('button', { name: 'Cancel' }).click();
    assert.equal(new URL((await back).url()).searchParams.get('error'), 'access_denied');
    await page.context().close();
  });

  it('the login page shows in no frame, and takes no form from another site', async () => {
    const form = await (await fetch(authorizeAddress(house.settings))).text();
    const ticket = /name="ticket" value="([^"]+)"/.exec(form)?.[1] ?? '';
    const { authorizeUrl } = house.settings;
    const evil = http.createServer((req, res) => {
      res.setHeader('Content-Type', 'text/html');
      const url = authorizeAddress(house.settings).href.replaceAll('&', '&amp;');
      res.end(
        req.url === '/frame'
          ? `<iframe src="${url}"></iframe>`
          : `<form method="post" action="${authorizeUrl}"><input name="ticket" value="${ticket}"><input name="username" value="anna"><input name="password" value="correct horse"><button>Win</button></form>`,
      );
    });
    await new Promise<void>((resolve) => evil.listen(0, 'localhost', resolve));
    // Another host name, hence another site for the browser, on the same machine.
    const base = `http://localhost:${(evil.address() as AddressInfo).port}`;
    try {
      const [framing] = await open(`${base}/frame`);
      const frame = framing.frames()[1];
      assert.equal(await frame?.locator('input').count(), 0);
      await framing.context().close();
      const [posting] = await open(`${base}/form`);
      const answered = posting.waitForResponse((response) => response.url().startsWith(authorizeUrl));
      await posting.getByRole('button').click();
      assert.equal((await answered).status(), 403);
      await posting.context().close();
    } finally {
      evil.closeAllConnections();
      await new Promise((resolve) => evil.close(resolve));
    }
  });

  it('the demo: every phrase is a click, with the dialogue and its JSON', async () => {
    const [page, errors] = await open(google.url);
    await page.getByText('Account linked').waitFor();
    for (const [phrase, answer] of [
      ['Arm away', 'What is your PIN?'],
      ['PIN 1234', 'Are you sure you want to arm the alarm?'],
      ['Yes, although the window is open', 'the alarm is armed'],
      ['Lock the front door', 'the door is locked'],
    ] as const) {
      await page.getByRole('button', { name: phrase, exact: true }).click();
      await page.getByRole('log').getByText(answer).waitFor();
    }
    const json = (await page.locator('#json').textContent()) ?? '';
    assert.match(json, /"command": "action\.devices\.commands\.LockUnlock"/);
    assert.match(json, /"status": "SUCCESS"/);
    await page.getByRole('log').getByText('What is your PIN?').click();
    assert.match((await page.locator('#json').textContent()) ?? '', /"pinNeeded"/);
    await page.getByLabel('Say something else').fill('unlock the front door');
    await page.keyboard.press('Enter');
    await page.locator('.phrases .asked', { hasText: 'PIN 1234' }).waitFor();
    assert.deepEqual(house.done, ['arm L2', 'lock']);
    assert.deepEqual(errors, []);
    await page.context().close();
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    it(`the demo's page, ${colorScheme}, is good for everybody, and fits a phone`, async () => {
      const look = { viewport: PHONE, colorScheme, bypassCSP: true, reducedMotion: 'reduce' as const };
      const [page] = await open(google.url, look);
      await page.getByText('Account linked').waitFor();
      await page.getByRole('button', { name: 'Unlock the front door' }).click();
      await page.getByRole('log').getByText('What is your PIN?').waitFor();
      assert.deepEqual(await findings(page), []);
      assert.equal(await page.evaluate('document.documentElement.scrollWidth'), PHONE.width);
      await page.context().close();
    });
  }
});
