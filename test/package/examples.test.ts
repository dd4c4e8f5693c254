/** The examples, as a person sees them who imports several of them in a window of 1280 pixels. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { filesBelow, repository } from '../support/tarball';

interface Item {
  readonly id: string;
  readonly type: string;
  readonly z?: string;
  readonly name?: string;
  readonly info?: string;
  readonly deviceId?: string;
  readonly x?: number;
  readonly y?: number;
}

/** The canvas beside the palette and the sidebar, less half a node. */
const RIGHTMOST = 700;
/** As far apart as two nodes in a column have to be, centre to centre. */
const ROW = 40;
const LETTER = 6.4;

const nameOf = ({ type, name = type }: Item): string => (name === '' ? type : name);
/** The editor's nodes: an icon, the name and the margins, in steps of 20 pixels. */
const widthOf = (item: Item): number => Math.max(100, 20 * Math.ceil((nameOf(item).length * LETTER + 40) / 20));

describe('the examples', () => {
  let examples: Map<string, Item[]>;
  before(async () => {
    const folder = path.join(repository, 'examples');
    const files = await filesBelow(folder);
    const read = async (file: string): Promise<[string, Item[]]> => [
      file,
      JSON.parse(await readFile(path.join(folder, file), 'utf8')) as Item[],
    ];
    examples = new Map(await Promise.all(files.map(read)));
  });

  it('fit the window, and no node covers another', () => {
    for (const [file, items] of examples) {
      const placed = items.filter(({ x, type }) => x !== undefined && type !== 'comment');
      for (const [index, item] of placed.entries()) {
        assert.ok((item.x ?? 0) <= RIGHTMOST, `${file}: ${nameOf(item)} is too far right`);
        for (const other of placed.slice(0, index)) {
          const together = Math.abs((item.y ?? 0) - (other.y ?? 0)) < ROW;
          const apart = Math.abs((item.x ?? 0) - (other.x ?? 0)) - (widthOf(item) + widthOf(other)) / 2;
          assert.ok(!together || apart >= 0, `${file}: ${nameOf(item)} covers ${nameOf(other)}`);
        }
      }
    }
  });

  it('say in the comment what to do before the deploy, at its beginning', () => {
    for (const [file, items] of examples) {
      const info = items.find(({ type }) => type === 'comment')?.info ?? '';
      assert.match(info, /^# .+\n\n\*\*Before you deploy\*\*/, file);
    }
  });

  it('can be imported side by side: what they share is identical, and each Google device is one of its own', () => {
    const seen = new Map<string, { file: string; text: string }>();
    const devices = new Map<string, string>();
    for (const [file, items] of examples) {
      for (const item of items) {
        const text = JSON.stringify(item);
        const before = seen.get(item.id);
        assert.ok(before === undefined || before.text === text, `${item.id} of ${file} differs from ${before?.file}`);
        assert.ok(before === undefined || item.z === undefined, `${file} and ${before?.file} share a node of a flow`);
        seen.set(item.id, { file, text });
        if (item.deviceId === undefined) continue;
        assert.equal(devices.get(item.deviceId), undefined, `${file}: the device ${item.deviceId} is in two examples`);
        devices.set(item.deviceId, file);
      }
    }
    const accounts = [...seen.values()].filter(({ text }) => text.includes('"type":"google-smarthome-config"'));
    assert.equal(accounts.length, 1, 'two accounts would serve the same addresses');
  });
});
